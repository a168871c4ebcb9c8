#ifndef HINDSIGHT_LAUNCH_H
#define HINDSIGHT_LAUNCH_H

#include <sys/types.h>

// Runs a command as if the shell had started it directly: same descriptors, same process group and
// terminal, same signal mask and dispositions. Libraries for child processes close descriptors, and reset
// ignored signals (which breaks `nohup`), so the few calls are made here.

/// Prepares this process to stand beside its child: signals from the terminal reach the child by themselves
/// and are ignored here; those sent to this process alone are passed on. Signals that were ignored already
/// stay so. Call once, before `hindsight_launch`.
void hindsight_stand_aside(void);

/// Starts the command; `path` is the file to execute. Returns 0 or an error number.
int hindsight_launch(const char *path, char *const arguments[], char *const environment[], pid_t *child);

/// Waits for the child to end; returns its wait status, or -1 with errno set.
int hindsight_wait(pid_t child);

/// Ends this process by the signal that ended its child, so that the caller sees the same. Returns only
/// where the signal does not end a process.
void hindsight_die_by(int signal_number);

/// Gives the calling thread a lower priority than the program that is recorded.
void hindsight_lower_thread_priority(void);

#endif
