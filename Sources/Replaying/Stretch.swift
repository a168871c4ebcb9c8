import HindsightCore
import Synchronization

/// The part of a plan that one worker executes, among several. Another worker may be given its end while it
/// runs.
final class Stretch: Sendable {
    /// Where it begins; nil: at the program's start.
    let lower: Cut?
    private let state: Mutex<State>

    private struct State {
        var upper: Cut?
        var position = OrderKey([])
    }

    init(from lower: Cut?, to upper: Cut?) {
        self.lower = lower
        state = Mutex(State(upper: upper, position: lower?.order ?? OrderKey([])))
    }

    /// The place of its beginning, which tells it from the others.
    var begin: OrderKey { lower?.order ?? OrderKey([]) }

    /// The same, before anything of it was executed.
    var renewed: Stretch { Stretch(from: lower, to: upper) }

    /// Where it ends; nil: with the program.
    var upper: Cut? { state.withLock { $0.upper } }

    /// How far its worker is known to be.
    var position: OrderKey { state.withLock { $0.position } }

    enum Place {
        case before
        case inside
        case behind
    }

    /// Where something stands that the worker has come to.
    func come(to order: OrderKey) -> Place {
        if let lower, order < lower.order { return .before }
        return state.withLock { state in
            if let upper = state.upper, !(order < upper.order) { return .behind }
            if state.position < order { state.position = order }
            return .inside
        }
    }

    /// Leaves what lies behind a cut to another worker; false where this one is there already.
    func leave(from cut: Cut) -> Bool {
        state.withLock { state in
            guard state.position < cut.order, state.upper.map({ cut.order < $0.order }) ?? true else {
                return false
            }
            state.upper = cut
            return true
        }
    }
}
