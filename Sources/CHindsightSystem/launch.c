#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "launch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/// Sent to one process to tell it something: passed on.
static const int forwarded[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
/// Sent by a terminal to the whole group, or by the system for what this process itself did.
static const int ignored[] = {SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ};

/// The mask that this process was started with; the threads of a runtime block signals of their own.
static sigset_t initial_mask;
/// Signals whose disposition was changed here and that the child must find as they were.
static sigset_t changed;
/// Zero while there is no child.
static volatile pid_t current_child;
/// A signal that came before the child was there.
static volatile sig_atomic_t early_signal;

__attribute__((constructor)) static void remember_initial_mask(void) {
  pthread_sigmask(SIG_SETMASK, NULL, &initial_mask);
  sigemptyset(&changed);
}

static void forward(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  // What the terminal or the kernel sends goes to the whole group: the child has it already.
  if (info->si_code > 0) return;
  int saved = errno;
  pid_t child = current_child;
  if (child > 0) {
    kill(child, signal_number);
  } else {
    early_signal = signal_number;
  }
  errno = saved;
}

static bool is_ignored(int signal_number) {
  struct sigaction present;
  return sigaction(signal_number, NULL, &present) == 0 && !(present.sa_flags & SA_SIGINFO) &&
         present.sa_handler == SIG_IGN;
}

void hindsight_stand_aside(void) {
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
    if (is_ignored(ignored[i])) continue;
    signal(ignored[i], SIG_IGN);
    sigaddset(&changed, ignored[i]);
  }
  sigset_t open;
  sigemptyset(&open);
  for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++) {
    if (is_ignored(forwarded[i])) continue;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = forward;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(forwarded[i], &action, NULL);
    sigaddset(&changed, forwarded[i]);
    sigaddset(&open, forwarded[i]);
  }
  // Other threads may block everything; this one stays open for what must be passed on.
  pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

int hindsight_launch(
    const char *path, char *const arguments[], char *const environment[], pid_t *child) {
  posix_spawnattr_t attributes;
  int failure = posix_spawnattr_init(&attributes);
  if (failure != 0) return failure;
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigdefault(&attributes, &changed);
  posix_spawnattr_setsigmask(&attributes, &initial_mask);
  pid_t started = 0;
  failure = posix_spawn(&started, path, NULL, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) return failure;
  *child = started;
  current_child = started;
  int early = early_signal;
  if (early != 0) kill(started, early);
  return 0;
}

int hindsight_wait(pid_t child) {
  // The child is left as a zombie first, so that no signal can be passed on to a process that was given
  // the same number.
  siginfo_t info;
  while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) return -1;
  }
  current_child = 0;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

void hindsight_die_by(int signal_number) {
  // The child wrote the core file that was asked for; a second one would replace it.
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(signal_number, SIG_DFL);
  sigset_t open;
  sigemptyset(&open);
  sigaddset(&open, signal_number);
  pthread_sigmask(SIG_UNBLOCK, &open, NULL);
  kill(getpid(), signal_number);
  // Delivery to another thread may take a moment.
  usleep(100000);
}

void hindsight_lower_thread_priority(void) {
#if defined(__linux__)
  // On Linux a niceness belongs to a thread.
  setpriority(PRIO_PROCESS, 0, 10);
#endif
}
