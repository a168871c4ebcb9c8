/// A worker that pretends to run a program: two nested loops, in Python without the runtime.
///
/// Its state is one number. How it misbehaves is decided by `FAKE` in its environment.
let fakeWorker = #"""
    #!/usr/bin/env -S python3 -I
    import json, os, socket, sys, time, subprocess
    fake = os.environ.get("FAKE", "")
    channel = socket.socket(fileno=int(os.environ["HINDSIGHT_CHANNEL"]))
    lines = channel.makefile("rw", encoding="utf-8", newline="\n")
    plan = json.loads(lines.readline())
    EPOCH, STEP = "train.py:5:0", "train.py:7:4"
    def send(**message):
        lines.write(json.dumps(message) + "\n"); lines.flush()
    jumps = {json.dumps(j["at"]): j for j in plan["jumps"]}
    states = {c["n"]: c for c in plan["checkpoints"]}
    stop = plan["stop"] and (plan["stop"]["kind"], json.dumps(plan["stop"]["at"]))
    x = 0
    hidden = 0
    def load(n):
        blob = states[n]["stream"]
        with open(blob["file"], "rb") as file:
            file.seek(blob["offset"]); data = file.read(blob["length"])
        if len(data) != blob["length"] or fake == "unusable" and n == 1 or fake == "format":
            send(t="unusable", checkpoint=n, reason="damaged", concernsRun=fake == "format")
            send(t="end", status="unusable"); sys.exit()
        return json.loads(data)
    def event(kind, at, key):
        global x, hidden
        send(t="progress", kind=kind, at=at, key=key)
        for n in plan["checks"]:
            if states[n]["kind"] == kind and states[n]["at"] == at:
                recorded = load(n)
                send(t="check", checkpoint=n, key=key,
                     difference=None if recorded == x else f"x: {recorded} was recorded, {x} found")
        if stop == (kind, json.dumps(at)):
            send(t="end", status="stopped", exitCode=None, exception=None); sys.exit()
    def loop(id, outer, key, count):
        global x
        i = 0
        while True:
            at = outer + [[id, 0, i]]
            if i < count:
                event("boundary", at, key + [i])
            jump = jumps.get(json.dumps(at))
            if jump:
                x = load(jump["checkpoint"])
                to = count if jump["to"] is None else jump["to"]
                send(t="jump", checkpoint=jump["checkpoint"], **{"from": key + [i], "to": key + [to]})
                i = to
            if i >= count:
                if not (jump and jump["to"] is None):
                    event("exit", outer + [[id, 0, i]], key + [i])
                return
            yield i
            i += 1
    def hit(line, text, it, key):
        if any("probe%d" % line in (s["edited"] or "") for s in plan["sources"]):
            send(t="hit", probe=f"train.py:{line}:8", file="train.py", line=line, text=text, name=None,
                 value=None, it=it, key=key)
    send(t="fingerprint", facts={"python": "3.9" if fake == "facts" else "3.11"})
    send(t="started")
    send(t="note", text="begins at " + (f"epoch {plan['jumps'][0]['to']}" if plan["jumps"] else "the start"))
    if fake == "crash after jumps" and plan["jumps"]: os.abort()
    if fake == "crash": sys.stderr.write("Segmentation fault (fake)\n"); sys.stderr.flush(); os.abort()
    if fake == "hang":
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        print("hanging", flush=True); time.sleep(1000)
    if fake == "hang silently": time.sleep(1000)
    if fake == "write":
        open("written.txt", "w").write("no")
        os.remove("train.py")
    hit(3, "before", [], [0, 0])
    for e in loop(EPOCH, [], [1], 4):
        level = ["epoch", e, e]
        for s in loop(STEP, [[EPOCH, 0, e]], [1, e, 1], 3):
            x += 1
            hidden += 1
            if fake == "random": x += 1
            # As of a process that was started before the loop.
            key = [0, e, s] if fake == "late" else [1, e, 1, s, 0, 0]
            hit(8, f"x {x}", [level, ["step", s, s]], key)
        shown = f"hidden {hidden}" if fake == "incomplete" else f"x {x}"
        hit(11, shown, [level], [1, e, 2, 0])
        if fake == "disturb": x += 1
        send(t="log", site="train.py:11:4", text=f"loss {e}", name=None, value=None, key=[1, e, 3])
    send(t="log", site="train.py:13:0", text="done", name=None, value=None, key=[3])
    hit(14, f"final {x}", [], [4, 0])
    send(t="end", status="finished", exitCode=0, exception=None)
    """#
