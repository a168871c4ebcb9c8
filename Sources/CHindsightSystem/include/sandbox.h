#ifndef HINDSIGHT_SANDBOX_H
#define HINDSIGHT_SANDBOX_H

// Starting a program in a copy-on-write view of the file system, without network.
//
// Namespaces can only be entered while a process has one thread, so the launcher is a fresh process of our
// own executable: a constructor sees the name below in argv[0] and takes over before anything else runs.
// It reads its instructions from HINDSIGHT_SANDBOX_PLAN (key and value strings, each ended by a zero byte),
// enters the sandbox, and executes the program with HINDSIGHT_SANDBOX_CHANNEL open. When the other end of
// the channel is closed, everything in the sandbox is killed.

#define HINDSIGHT_SANDBOX_NAME "hindsight-sandbox"
#define HINDSIGHT_SANDBOX_CHANNEL 3
#define HINDSIGHT_SANDBOX_PLAN 4

/// The launcher's exit status where the sandbox could not be made; the reason is on standard error.
#define HINDSIGHT_SANDBOX_FAILED 119
/// The launcher's exit status where the program could not be executed.
#define HINDSIGHT_SANDBOX_NO_PROGRAM 118

/// Starts the launcher in a session of its own and returns its process id, or -1 with errno set.
/// The four descriptors become the launcher's standard output and error, channel and plan.
int hindsight_sandbox_start(const char *executable, int output, int channel, int plan);

/// A pipe whose ends are closed on exec.
int hindsight_pipe(int descriptors[2]);

#endif
