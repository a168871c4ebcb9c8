/// A Python program that speaks to the collector by itself: it is run with `-E`, so that the runtime is not
/// loaded, and its checkpoints come exactly when a test wants them.
enum ChannelProgram {
    /// `python3 -E channel.py CHECKPOINTS BYTES`; prints the number of each checkpoint when it is answered.
    static let text = """
        import array, json, os, socket, sys, tempfile
        line = socket.socket(socket.AF_UNIX)
        line.connect(os.environ["HINDSIGHT_SOCKET"])
        answers = line.makefile()
        def send(message, descriptor=None):
            data = json.dumps(message).encode() + b"\\n"
            rights = [] if descriptor is None else [
                (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            sent = line.sendmsg([data], rights)
            if sent < len(data):
                line.sendall(data[sent:])
        count, size = int(sys.argv[1]), int(sys.argv[2])
        send({"t": "hello", "version": 1, "pid": os.getpid(), "program": "channel.py", "module": None,
              "argv": sys.argv, "executable": sys.executable, "cwd": os.getcwd(), "environment": {},
              "hashseed": None, "python": "3"})
        assert json.loads(answers.readline())["t"] == "welcome"
        memory = os.memfd_create("state")
        os.ftruncate(memory, size)
        send({"t": "buffer", "size": size}, memory)
        for n in range(count):
            os.pwrite(memory, os.urandom(size), 0)
            send({"t": "log", "site": "channel.py:1:0", "text": str(n), "name": None, "value": None,
                  "it": [["n", n, n]], "key": [1, n, 1]})
            send({"t": "checkpoint", "n": n, "kind": "boundary", "at": [["channel.py:1:0", 0, n]],
                  "key": [1, n], "elapsed": 0.1 * n, "layout": "l", "stream": [0, 64, n],
                  "buffers": [[64, size - 64, n]], "lost": [], "from": 0, "logs": n, "entropy": 0, "cost": {"copy": 0.0}})
            assert json.loads(answers.readline()) == {"t": "stored", "n": n}
            print(n, flush=True)
        send({"t": "end", "status": "finished", "exitCode": 0, "exception": None, "elapsed": 1.0,
              "overhead": 0.0})
        """
}
