#ifndef HINDSIGHT_SANDBOXVIEW_H
#define HINDSIGHT_SANDBOXVIEW_H

// The parts of the sandbox that depend on the system. Only for the launcher, which has one thread.

#include <poll.h>
#include <signal.h>

#ifdef __linux__
#define HINDSIGHT_POLL_HANGUP POLLRDHUP
#else
#define HINDSIGHT_POLL_HANGUP POLLHUP
#endif

/// Ends the launcher with a sentence made of `what` and errno.
void hindsight_sandbox_refuse(const char *what) __attribute__((noreturn));

/// Enters namespaces and lays the copy-on-write view over the file system; changes go to `scratch`, or to
/// memory where it is empty. Ends the launcher where that cannot be had. For a worker that will stand and be
/// forked, what the view covers stays in reach beside the changes.
void hindsight_sandbox_enter(const char *scratch, int standing);

/// In the first process of the new process namespace: its own view of /proc.
void hindsight_sandbox_enter_processes(void);

/// Takes away what would let a program leave the view again. A standing worker keeps, for its forked children,
/// the privilege to lay views of their own over the worker's.
void hindsight_sandbox_drop_privileges(int standing);

void hindsight_sandbox_die_with_parent(void);

/// Kills every other process of the launcher's process group.
void hindsight_sandbox_kill_rest(void);

int hindsight_poll(struct pollfd *question, const sigset_t *mask);

#endif
