import Foundation
import Replaying

/// What the operating system gives to replays.
enum SystemExamination {
    static func findings(root: String) -> [Finding] {
        let check = SandboxCheck.run(in: root)
        guard check.works else {
            var advice =
                "replays need user namespaces and overlays; to replay without them, which may change files, give "
                + "--allow-weak-sandbox or set allowWeakSandbox in the editor"
            if let limit = number(in: "/proc/sys/user/max_user_namespaces"), limit == 0 {
                advice = "allow user namespaces: sysctl user.max_user_namespaces=10000; else " + advice
            } else if number(in: "/proc/sys/kernel/unprivileged_userns_clone") == 0 {
                advice = "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1; else " + advice
            } else if number(in: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 {
                advice =
                    "allow user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0; else "
                    + advice
            }
            return [
                Finding(
                    .problem, "sandbox",
                    "no copy-on-write view: \(check.remarks.last ?? "the system does not say why")",
                    advice: advice)
            ]
        }
        var findings = [
            Finding(.ok, "sandbox", "replays run in a copy-on-write view of the file system, without network")
        ]
        for remark in check.remarks { findings.append(Finding(.warn, "sandbox", remark)) }
        return findings
    }

    private static func number(in file: String) -> Int? {
        (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}
