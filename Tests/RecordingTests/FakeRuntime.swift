import Foundation
import LocalSockets

/// The program's end of the channel, message by message.
final class FakeRuntime {
    let connection: LocalConnection
    private let memory: FileHandle

    init(_ socket: String) throws {
        connection = try LocalConnection.connect(to: socket)
        let path = NSTemporaryDirectory() + "hindsight-memory-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: path))
        guard let file = FileHandle(forUpdatingAtPath: path) else { throw CocoaError(.fileNoSuchFile) }
        memory = file
        unlink(path)
    }

    func send(_ line: String, descriptor: Int32? = nil) throws {
        try connection.write(line: line.utf8, descriptor: descriptor)
    }

    /// The next answer as an object; nil where the collector has hung up.
    func answer() throws -> NSDictionary? {
        guard let line = try connection.readLine() else { return nil }
        return try JSONSerialization.jsonObject(with: line) as? NSDictionary
    }

    func hello(pid: Int = 1, version: Int = 1) throws -> NSDictionary? {
        try send(
            #"{"t":"hello","version":\#(version),"pid":\#(pid),"program":"train.py","module":null,"#
                + #""argv":["python","train.py"],"executable":"/usr/bin/python3","cwd":"/","#
                + #""environment":{"A":"1","HF_TOKEN":"hush"},"hashseed":"7","python":"3.11.7"}"#)
        return try answer()
    }

    func buffer(_ bytes: [UInt8]) throws {
        try memory.seek(toOffset: 0)
        try memory.write(contentsOf: Data(bytes))
        try send(#"{"t":"buffer","size":\#(bytes.count)}"#, descriptor: memory.fileDescriptor)
    }

    func log(_ index: Int) throws {
        try send(
            #"{"t":"log","site":"train.py:4:8","text":"loss \#(index)","name":null,"value":0.5,"#
                + #""it":[["epoch",\#(index),\#(index)]],"key":[1,\#(index),1]}"#)
    }

    /// `since` is when the bytes came into the buffer; the checkpoint's own number where it is not given.
    func checkpoint(
        _ number: Int, stream: ClosedRange<Int>, buffers: [ClosedRange<Int>] = [], since: Int? = nil
    ) throws {
        func json(_ range: ClosedRange<Int>) -> String {
            "[\(range.lowerBound),\(range.count),\(since ?? number)]"
        }
        try send(
            #"{"t":"checkpoint","n":\#(number),"kind":"boundary","at":[["train.py:3:0",0,\#(number)]],"#
                + #""key":[1,\#(number)],"elapsed":0.5,"layout":"beef","stream":\#(json(stream)),"#
                + #""buffers":[\#(buffers.map(json).joined(separator: ","))],"lost":[],"from":0,"logs":1,"entropy":0,"#
                + #""cost":{"walk":0.1,"capture":0.1,"copy":0.1}}"#)
    }

    func end(_ fields: String = #""status":"finished","exitCode":0,"exception":null"#) throws {
        try send(#"{"t":"end",\#(fields),"elapsed":2.5,"overhead":0.01}"#)
    }
}
