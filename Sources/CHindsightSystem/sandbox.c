#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandboxview.h"

extern char **environ;

int hindsight_sandbox_start(const char *executable, int output, int channel, int plan) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    // Sources may have the numbers of targets: move them out of the way first, closed on exec.
    int sources[3] = {output, channel, plan};
    int moved[3] = {-1, -1, -1};
    int error = 0;
    for (int i = 0; i < 3; i++) {
        moved[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 10);
        if (moved[i] < 0) error = errno;
    }
    if (!error) error = posix_spawn_file_actions_init(&actions);
    if (!error) {
        error = posix_spawnattr_init(&attributes);
        if (!error) {
            sigset_t none, all;
            sigemptyset(&none);
            sigfillset(&all);
            posix_spawnattr_setsigmask(&attributes, &none);
            posix_spawnattr_setsigdefault(&attributes, &all);
            posix_spawnattr_setflags(
                &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
            posix_spawn_file_actions_adddup2(&actions, moved[0], 1);
            posix_spawn_file_actions_adddup2(&actions, moved[0], 2);
            posix_spawn_file_actions_adddup2(&actions, moved[1], HINDSIGHT_SANDBOX_CHANNEL);
            posix_spawn_file_actions_adddup2(&actions, moved[2], HINDSIGHT_SANDBOX_PLAN);
            char *arguments[] = {HINDSIGHT_SANDBOX_NAME, NULL};
            error = posix_spawn(&pid, executable, &actions, &attributes, arguments, environ);
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    for (int i = 0; i < 3; i++) {
        if (moved[i] >= 0) close(moved[i]);
    }
    if (error) {
        errno = error;
        return -1;
    }
    return pid;
}

// MARK: - Inside the launcher

struct plan {
    const char *scratch;
    const char *directory;
    const char *executable;
    int weak;
    int standing;
    int nice;
    unsigned long long memory;
    char **arguments;
    char **environment;
};

__attribute__((noreturn, format(printf, 2, 3))) static void fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("hindsight-sandbox: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    fflush(stderr);
    _exit(status);
}

void hindsight_sandbox_refuse(const char *what) {
    fail(HINDSIGHT_SANDBOX_FAILED, "%s: %s", what, strerror(errno));
}

static char *read_all(int descriptor, size_t *size) {
    size_t capacity = 1 << 16;
    size_t used = 0;
    char *bytes = malloc(capacity);
    while (bytes) {
        ssize_t count = read(descriptor, bytes + used, capacity - used - 1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(HINDSIGHT_SANDBOX_FAILED, "cannot read the plan: %s", strerror(errno));
        if (count == 0) break;
        used += (size_t)count;
        if (used + 1 == capacity) bytes = realloc(bytes, capacity *= 2);
    }
    if (!bytes) fail(HINDSIGHT_SANDBOX_FAILED, "no memory for the plan");
    bytes[used] = 0;
    *size = used;
    return bytes;
}

static struct plan read_plan(void) {
    struct plan plan = {.scratch = "", .directory = "/", .executable = ""};
    size_t size;
    char *bytes = read_all(HINDSIGHT_SANDBOX_PLAN, &size);
    close(HINDSIGHT_SANDBOX_PLAN);
    size_t strings = 0;
    for (size_t i = 0; i < size; i++) strings += bytes[i] == 0;
    plan.arguments = calloc(strings + 1, sizeof(char *));
    plan.environment = calloc(strings + 1, sizeof(char *));
    if (!plan.arguments || !plan.environment) fail(HINDSIGHT_SANDBOX_FAILED, "no memory for the plan");
    size_t arguments = 0;
    size_t variables = 0;
    char *end = bytes + size;
    for (char *key = bytes; key < end;) {
        char *value = key + strlen(key) + 1;
        if (value >= end) break;
        if (!strcmp(key, "scratch")) plan.scratch = value;
        else if (!strcmp(key, "directory")) plan.directory = value;
        else if (!strcmp(key, "executable")) plan.executable = value;
        else if (!strcmp(key, "weak")) plan.weak = !strcmp(value, "1");
        else if (!strcmp(key, "standing")) plan.standing = !strcmp(value, "1");
        else if (!strcmp(key, "nice")) plan.nice = atoi(value);
        else if (!strcmp(key, "memory")) plan.memory = strtoull(value, NULL, 10);
        else if (!strcmp(key, "argument")) plan.arguments[arguments++] = value;
        else if (!strcmp(key, "variable")) plan.environment[variables++] = value;
        key = value + strlen(value) + 1;
    }
    return plan;
}

__attribute__((noreturn)) static void execute(const struct plan *plan) {
    if (plan->nice) {
        errno = 0;
        if (nice(plan->nice) == -1 && errno) fprintf(stderr, "hindsight-sandbox: cannot be nice\n");
    }
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    // Everything that is private and writable counts, whether or not it was ever written to.
    struct rlimit data = {plan->memory, plan->memory};
    if (plan->memory && setrlimit(RLIMIT_DATA, &data) != 0) {
        fprintf(stderr, "hindsight-sandbox: memory cannot be limited\n");
    }
    if (chdir(plan->directory) != 0) {
        fail(HINDSIGHT_SANDBOX_NO_PROGRAM, "cannot enter %s: %s", plan->directory, strerror(errno));
    }
    execve(plan->executable, plan->arguments, plan->environment);
    fail(HINDSIGHT_SANDBOX_NO_PROGRAM, "cannot execute %s: %s", plan->executable, strerror(errno));
}

static int exit_status(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Only there to end a poll.
static void on_child(int signal) { (void)signal; }

/// Waits for the child, and kills everything when the channel is closed from outside. The first process of
/// a process namespace takes all the others of the namespace with it when it ends.
__attribute__((noreturn)) static void watch(pid_t child, int leads_group) {
    sigset_t open;
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended == child) {
            if (leads_group) hindsight_sandbox_kill_rest();
            _exit(exit_status(status));
        }
        if (ended > 0) continue;
        if (ended < 0 && errno != EINTR) _exit(HINDSIGHT_SANDBOX_FAILED);
        sigprocmask(SIG_BLOCK, NULL, &open);
        sigdelset(&open, SIGCHLD);
        struct pollfd channel = {.fd = HINDSIGHT_SANDBOX_CHANNEL, .events = HINDSIGHT_POLL_HANGUP};
        int count = hindsight_poll(&channel, &open);
        if (count > 0 && (channel.revents & (HINDSIGHT_POLL_HANGUP | POLLHUP | POLLERR | POLLNVAL))) {
            if (!leads_group) _exit(128 + SIGKILL);
            kill(child, SIGKILL);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
            }
            kill(0, SIGKILL);
            _exit(128 + SIGKILL);
        }
    }
}

__attribute__((noreturn)) static void launch(void) {
    struct plan plan = read_plan();
    struct sigaction action = {.sa_handler = on_child};
    sigaction(SIGCHLD, &action, NULL);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);

    if (!plan.weak) hindsight_sandbox_enter(plan.scratch, plan.standing);
    pid_t child = fork();
    if (child < 0) hindsight_sandbox_refuse("cannot start a process");
    if (child > 0) watch(child, 1);

    hindsight_sandbox_die_with_parent();
    if (!plan.weak) {
        // The first process of the namespace: when it ends, the kernel ends all the others. It watches the
        // channel too, in case the launcher was killed before it could ask to die with it.
        hindsight_sandbox_enter_processes();
        pid_t program = fork();
        if (program < 0) hindsight_sandbox_refuse("cannot start a process");
        if (program > 0) watch(program, 0);
        hindsight_sandbox_die_with_parent();
        hindsight_sandbox_drop_privileges(plan.standing);
    }
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    execute(&plan);
}

__attribute__((constructor)) static void become_launcher(int count, char **arguments) {
    if (count == 1 && arguments && arguments[0] && !strcmp(arguments[0], HINDSIGHT_SANDBOX_NAME)) launch();
}
