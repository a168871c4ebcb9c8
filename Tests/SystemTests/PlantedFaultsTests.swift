import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Programs that take something from outside what a recording holds. The program itself notes the truth in a
    /// file; whatever a replay says, a value that it calls exact is that one.
    @Suite(.serialized) struct PlantedFaultsTests {
        struct Fault: Sendable, CustomStringConvertible {
            var description: String
            /// In front of the loop.
            var before = ""
            /// Gives `x`, inside the loop.
            var step: String
            /// Words of the reason; nil: the value must come out exact.
            var reason: String?
        }

        private static let faults = [
            Fault(
                description: "the kernel's entropy, read as a file",
                step: "x = int.from_bytes(open('/dev/urandom', 'rb').read(4), 'big')", reason: "/dev/urandom"),
            Fault(
                description: "a counter of the kernel's", step: "x = open('/proc/uptime').read().strip()",
                reason: "/proc/uptime"),
            Fault(
                description: "what a command wrote",
                step: "x = subprocess.run(['date', '+%s%N'], capture_output=True, text=True).stdout.strip()"),
            Fault(
                description: "what a process that goes on writes",
                before: "p = subprocess.Popen(['cat', '/dev/urandom'], stdout=subprocess.PIPE)",
                step: "x = p.stdout.read(4)", reason: "another process"),
            Fault(
                description: "a C function's clock", before: "import ctypes; libc = ctypes.CDLL(None)",
                step: "x = libc.clock()", reason: "ctypes"),
            Fault(
                description: "a clock by another name",
                before: "from timeit import default_timer as timer; began = timer()",
                step: "x = timer() - began"),
            Fault(
                description: "a clock that was handed on",
                before: """
                    class Watch:
                        def __init__(self, clock): self.clock = clock
                    watch = Watch(time.perf_counter)
                    """, step: "x = watch.clock()", reason: "perf_counter"),
            Fault(
                description: "a library's clock",
                before: "import asyncio; loop = asyncio.new_event_loop()", step: "x = loop.time()",
                reason: "monotonic"),
            Fault(description: "the system's generator", step: "x = random.SystemRandom().random()"),
            Fault(description: "addresses as numbers", step: "x = id(object())"),
            Fault(
                description: "an order by addresses",
                step: "y = [Thing(n) for n in range(20)]; x = [t.n for t in sorted(y, key=id)]"),
            Fault(
                description: "the order of a set of objects",
                step: "x = [t.n for t in {Thing(n) for n in range(20)}]", reason: "addresses"),
            Fault(
                description: "how far a thread has come",
                before: """
                    n = [0]
                    def count():
                        while True: n[0] += 1
                    threading.Thread(target=count, daemon=True).start()
                    """, step: "x = n[0]", reason: "thread count"),
            Fault(
                description: "the order in which a pool's threads come to an end",
                before: """
                    from concurrent.futures import ThreadPoolExecutor, as_completed
                    pool = ThreadPoolExecutor(4)
                    def work(n): time.sleep(0.001); return n
                    """,
                step: "x = [f.result() for f in as_completed([pool.submit(work, n) for n in range(20)])]",
                reason: "at times of its own"),
            Fault(
                description: "a list that threads append to",
                before: """
                    from multiprocessing.pool import ThreadPool
                    pool = ThreadPool(4)
                    def work(n): time.sleep(0.001); done.append(n)
                    """, step: "done = []; pool.map(work, range(20), chunksize=1); x = done",
                reason: "at times of its own"),
            Fault(
                description: "the order of a set that a function is given",
                step: "y = {Thing(n) for n in range(20)}; x = list(map(lambda t: t.n, y))",
                reason: "addresses"),
            Fault(
                description: "an address in a text", step: "x = Thing(0)", reason: "address in memory"),
            Fault(
                description: "a small data file that has changed since", step: "x = open('data.txt').read()"),
            Fault(
                description: "a large data file that has changed since",
                step: "x = hash(open('large.txt').read())", reason: "large.txt"),
        ]

        private static func source(_ fault: Fault, isProbed: Bool) -> String {
            """
            import os, random, subprocess, threading, time

            class Thing:
                def __init__(self, n): self.n = n

            \(fault.before)
            for epoch in range(4):
                \(fault.step)
            \(isProbed ? "    print('probe', x)" : "")
                with open("truth.txt", "a") as file: file.write(f"probe {x}\\n")
                x = y = None
                time.sleep(0.02)
                print("epoch", epoch)

            """
        }

        @Test(arguments: faults) func wrongIsNeverExact(fault: Fault) async throws {
            let project = try SmallProgram.makeProject(source: Self.source(fault, isProbed: false))
            defer { project.remove() }
            try project.write("then", to: "data.txt")
            try project.write(String(repeating: "then ", count: 1_000_000), to: "large.txt")
            let recorded = try await project.hindsight(
                "record", "--", SmallProgram.python, SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")
            let truth = try project.read("truth.txt").split(separator: "\n").map(String.init)
            #expect(truth.count == 4)

            try project.write("afterwards", to: "data.txt")
            try project.write(String(repeating: "later ", count: 1_000_000), to: "large.txt")
            try project.write(Self.source(fault, isProbed: true), to: SmallProgram.file)
            let result = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            let hits = try AnswerLine.parse(result)
            #expect(hits.count == 4, "\(result.errorText)")
            for hit in hits where hit.verdict == "exact" {
                #expect(truth.indices.contains(hit.iteration[0].index))
                #expect(hit.text == truth[hit.iteration[0].index], "\(fault) is wrong, and called exact")
            }
            if let reason = fault.reason {
                #expect(!hits.contains { $0.verdict == "exact" })
                #expect(result.errorText.contains(reason), "\(result.errorText)")
            } else {
                #expect(hits.allSatisfy { $0.verdict == "exact" }, "\(result.errorText)")
            }
        }
    }
}
