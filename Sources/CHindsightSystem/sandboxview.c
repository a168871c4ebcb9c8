#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sandboxview.h"

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hindsight_sandbox_kill_rest(void) {
    // The launcher leads the group and ignores its own signal for the moment it has left.
    signal(SIGTERM, SIG_IGN);
    pid_t self = getpid();
    if (getpgrp() == self) kill(0, SIGTERM);
}

int hindsight_pipe(int descriptors[2]) {
#ifdef __linux__
    return pipe2(descriptors, O_CLOEXEC);
#else
    if (pipe(descriptors) != 0) return -1;
    fcntl(descriptors[0], F_SETFD, FD_CLOEXEC);
    fcntl(descriptors[1], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

#ifdef __linux__

#include <dirent.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

int hindsight_poll(struct pollfd *question, const sigset_t *mask) { return ppoll(question, 1, NULL, mask); }

void hindsight_sandbox_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

// MARK: - Mounts

struct mounts {
    char **paths;
    char **types;
    size_t count;
};

/// Undoes the octal escapes of /proc/self/mountinfo.
static void unescape(char *text) {
    char *to = text;
    for (char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

static struct mounts read_mounts(void) {
    struct mounts mounts = {0};
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file) hindsight_sandbox_refuse("cannot read /proc/self/mountinfo");
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0) {
        char *rest = NULL;
        char *path = NULL;
        char *separator = strstr(line, " - ");
        char *field = strtok_r(line, " ", &rest);
        for (int i = 0; field && i < 4; i++) path = field = strtok_r(NULL, " ", &rest);
        if (!path || !separator) continue;
        char *type = strtok_r(separator + 3, " ", &rest);
        if (!type) continue;
        unescape(path);
        mounts.paths = realloc(mounts.paths, (mounts.count + 1) * sizeof(char *));
        mounts.types = realloc(mounts.types, (mounts.count + 1) * sizeof(char *));
        if (!mounts.paths || !mounts.types) hindsight_sandbox_refuse("no memory");
        mounts.paths[mounts.count] = strdup(path);
        mounts.types[mounts.count] = strdup(type);
        mounts.count++;
    }
    free(line);
    fclose(file);
    return mounts;
}

static int is_below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    if (!strcmp(directory, "/")) return path[0] == '/' && path[1] != 0;
    return !strncmp(path, directory, length) && path[length] == '/';
}

/// Kernel interfaces: nothing that a program keeps lies there.
static int is_kernel_interface(const char *path) {
    static const char *const roots[] = {"/proc", "/sys", "/dev"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        if (!strcmp(path, roots[i]) || is_below(path, roots[i])) return 1;
    }
    return 0;
}

static int is_read_only(const char *path) {
    struct statvfs info;
    return statvfs(path, &info) == 0 && (info.f_flag & ST_RDONLY);
}

static unsigned long kept_flags(const char *path) {
    struct statvfs info;
    unsigned long flags = 0;
    if (statvfs(path, &info) != 0) return 0;
    if (info.f_flag & ST_NOSUID) flags |= MS_NOSUID;
    if (info.f_flag & ST_NODEV) flags |= MS_NODEV;
    if (info.f_flag & ST_NOEXEC) flags |= MS_NOEXEC;
    if (info.f_flag & ST_NOATIME) flags |= MS_NOATIME;
    if (info.f_flag & ST_NODIRATIME) flags |= MS_NODIRATIME;
    if (info.f_flag & ST_RELATIME) flags |= MS_RELATIME;
    return flags;
}

/// Makes the mount at a path read-only, keeping flags that the kernel may have locked.
static int make_read_only(const char *path) {
    return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | kept_flags(path), NULL);
}

// MARK: - The view

struct view {
    struct mounts mounts;
    /// Where changes go: below this, two folders for each overlay.
    char base[4096];
    /// Hidden from the program: it lies in the file system that is covered.
    char hidden[4096];
    int tried;
    int overlays;
    int in_user_namespace;
    /// Whether what overlays cover is kept in reach, for views of forked children.
    int keeps_lower;
};

static int has_mounts_below(const struct view *view, const char *path) {
    for (size_t i = 0; i < view->mounts.count; i++) {
        if (is_below(view->mounts.paths[i], path)) return 1;
    }
    return view->hidden[0] && (is_below(view->hidden, path) || !strcmp(view->hidden, path));
}

static int is_mount(const struct view *view, const char *path) {
    for (size_t i = 0; i < view->mounts.count; i++) {
        if (!strcmp(view->mounts.paths[i], path)) return 1;
    }
    return 0;
}

static int overlay(struct view *view, const char *path) {
    char upper[4200], work[4200], options[9000];
    int number = view->tried++;
    snprintf(upper, sizeof upper, "%s/u%d", view->base, number);
    snprintf(work, sizeof work, "%s/w%d", view->base, number);
    struct stat info;
    if (stat(path, &info) != 0) return -1;
    if (mkdir(upper, 0700) != 0 || mkdir(work, 0700) != 0) return -1;
    // The merged directory shows the upper one's permissions.
    if (chmod(upper, info.st_mode & 07777) != 0) return -1;
    if (chown(upper, info.st_uid, info.st_gid) != 0 && errno != EPERM && errno != EINVAL) return -1;
    if (view->keeps_lower) {
        char lower[4200];
        snprintf(lower, sizeof lower, "%s/l%d", view->base, number);
        if (mkdir(lower, 0700) != 0 || mount(path, lower, NULL, MS_BIND, NULL) != 0) return -1;
        make_read_only(lower);
    }
    // A path may hold the characters that separate options, so the lower directory is named by `.`.
    if (chdir(path) != 0) return -1;
    snprintf(
        options, sizeof options, "lowerdir=.,upperdir=%s,workdir=%s%s", upper, work,
        view->in_user_namespace ? ",userxattr" : "");
    int failed = mount("overlay", ".", "overlay", 0, options);
    if (failed && view->in_user_namespace) {
        int error = errno;
        snprintf(options, sizeof options, "lowerdir=.,upperdir=%s,workdir=%s", upper, work);
        failed = mount("overlay", ".", "overlay", 0, options);
        errno = error;
    }
    if (failed) return -1;
    view->overlays++;
    return 0;
}

/// Lays a copy-on-write view over a directory: one overlay where no other mount lies below, since an
/// overlay does not show those; else one for each subdirectory. What is left over becomes read-only with
/// its mount.
static void cover(struct view *view, const char *path) {
    if (is_kernel_interface(path)) return;
    if (view->hidden[0] && !strcmp(path, view->hidden)) return;
    if (!has_mounts_below(view, path)) {
        if (overlay(view, path) != 0) {
            // A directory that the user cannot even enter needs no word.
            if (errno != EACCES) {
                fprintf(stderr, "hindsight-sandbox: %s is read-only: %s\n", path, strerror(errno));
            }
            if (!is_mount(view, path) && mount(path, path, NULL, MS_BIND, NULL) != 0) return;
            make_read_only(path);
        }
        return;
    }
    DIR *directory = opendir(path);
    if (!directory) return;
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char child[4096];
        int length =
            snprintf(child, sizeof child, "%s/%s", strcmp(path, "/") ? path : "", entry->d_name);
        if (length >= (int)sizeof child) continue;
        struct stat info;
        if (lstat(child, &info) != 0 || !S_ISDIR(info.st_mode)) continue;
        // Mounts are covered on their own account.
        if (is_mount(view, child)) continue;
        cover(view, child);
    }
    closedir(directory);
}

/// Prepares the place for changes: on disk where overlays can have it, else in memory.
static void prepare_base(struct view *view, const char *scratch) {
    if (scratch[0]) {
        snprintf(view->base, sizeof view->base, "%s/view", scratch);
        snprintf(view->hidden, sizeof view->hidden, "%s", scratch);
        // Overlays cannot lie inside what they cover, so the folder that holds the scratch space is left out
        // as a whole, and the program sees an empty one there.
        char *slash = strrchr(view->hidden, '/');
        if (slash && slash != view->hidden) *slash = 0;
        struct statfs info;
        // A file system that is an overlay itself cannot take another overlay's changes.
        if (mkdir(view->base, 0700) == 0 && statfs(view->base, &info) == 0 && info.f_type != 0x794c7630) {
            // A mount of its own stays writable when the one around it becomes read-only.
            if (view->keeps_lower) mount(view->base, view->base, NULL, MS_BIND, NULL);
            return;
        }
    }
    view->hidden[0] = 0;
    // A mount that only this process sees; the directory below it does not matter.
    const char *places[] = {"/var/tmp", "/mnt", "/media", "/srv", "/tmp"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (mount("hindsight", places[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") == 0) {
            snprintf(view->base, sizeof view->base, "%s", places[i]);
            snprintf(view->hidden, sizeof view->hidden, "%s", places[i]);
            return;
        }
    }
    hindsight_sandbox_refuse("no place for a copy-on-write view");
}

static void write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) hindsight_sandbox_refuse(path);
    ssize_t length = (ssize_t)strlen(text);
    if (write(file, text, (size_t)length) != length) hindsight_sandbox_refuse(path);
    close(file);
}

/// Returns whether a user namespace had to be made.
static int enter_namespaces(void) {
    const int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID;
    // The real superuser needs no user namespace, in which files of other users would be out of reach.
    if (geteuid() == 0 && unshare(flags) == 0) return 0;
    unsigned user = geteuid();
    unsigned group = getegid();
    if (unshare(CLONE_NEWUSER | flags) != 0) {
        hindsight_sandbox_refuse("the system allows no user namespaces");
    }
    char map[64];
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", user, user);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", group, group);
    write_file("/proc/self/gid_map", map);
    return 1;
}

static void raise_loopback(void) {
    int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (handle < 0 || ioctl(handle, SIOCSIFFLAGS, &request) != 0) {
        fprintf(stderr, "hindsight-sandbox: loopback stays down: %s\n", strerror(errno));
    }
    if (handle >= 0) close(handle);
}

void hindsight_sandbox_enter(const char *scratch, int standing) {
    struct view view = {.overlays = 0, .keeps_lower = standing};
    view.in_user_namespace = enter_namespaces();
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        hindsight_sandbox_refuse("cannot have mounts of its own");
    }
    raise_loopback();
    prepare_base(&view, scratch);
    view.mounts = read_mounts();

    // Deeper mounts come later in the list, but an overlay over one hides nothing of another: each covers
    // only directories without mounts below.
    for (size_t i = 0; i < view.mounts.count; i++) {
        const char *path = view.mounts.paths[i];
        struct stat info;
        if (is_kernel_interface(path) || !strcmp(path, view.base) || is_read_only(path)) continue;
        if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) continue;
        cover(&view, path);
    }
    if (view.overlays == 0) hindsight_sandbox_refuse("the system allows no overlay here");
    if (mount("hindsight", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) {
        fprintf(stderr, "hindsight-sandbox: /dev/shm is shared: %s\n", strerror(errno));
    }
    if (view.hidden[0]) {
        if (mount("hindsight", view.hidden, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) {
            hindsight_sandbox_refuse("cannot hide the scratch space");
        }
    }
    // What no overlay covers becomes read-only. Mounts whose root an overlay covers cannot be reached any
    // more by that path, and need not be.
    for (size_t i = 0; i < view.mounts.count; i++) {
        const char *path = view.mounts.paths[i];
        struct statfs info;
        if (is_kernel_interface(path) && strcmp(path, "/sys") != 0) continue;
        if (statfs(path, &info) != 0 || info.f_type == 0x794c7630 || is_read_only(path)) continue;
        if (view.hidden[0] && !strcmp(path, view.hidden)) continue;
        if (make_read_only(path) != 0 && has_mounts_below(&view, path)) {
            hindsight_sandbox_refuse("cannot make the rest of the file system read-only");
        }
    }
    if (chdir("/") != 0) hindsight_sandbox_refuse("cannot enter /");
}

void hindsight_sandbox_enter_processes(void) {
    // Where this is refused (inside some containers) the outer /proc still serves.
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 && errno != EPERM) {
        fprintf(stderr, "hindsight-sandbox: /proc is shared: %s\n", strerror(errno));
    }
    // Training and the editor come first when memory is short.
    FILE *file = fopen("/proc/self/oom_score_adj", "we");
    if (file) {
        fputs("800", file);
        fclose(file);
    }
}

void hindsight_sandbox_drop_privileges(int standing) {
    static const int taken[] = {CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT,  CAP_SYS_TIME,
                                CAP_MKNOD,     CAP_SYS_PTRACE, CAP_NET_ADMIN, CAP_SYS_CHROOT};
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) == 0) {
        const unsigned kept = standing ? 1u << CAP_SYS_ADMIN : 0;
        if (kept) {
            // The interpreter sets it aside as soon as it runs. Inheriting must be allowed before the set
            // that bounds it shrinks.
            data[0].inheritable |= kept;
            if (syscall(SYS_capset, &header, data) != 0) hindsight_sandbox_refuse("cannot keep a privilege");
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
        }
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
            prctl(PR_CAPBSET_DROP, taken[i], 0, 0, 0);
            if (kept && taken[i] == CAP_SYS_ADMIN) continue;
            data[taken[i] / 32].effective &= ~(1u << (taken[i] % 32));
            data[taken[i] / 32].permitted &= ~(1u << (taken[i] % 32));
            data[taken[i] / 32].inheritable &= ~(1u << (taken[i] % 32));
        }
        if (syscall(SYS_capset, &header, data) != 0) hindsight_sandbox_refuse("cannot give up privileges");
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

#else

int hindsight_poll(struct pollfd *question, const sigset_t *mask) {
    (void)mask;
    return poll(question, 1, 50);
}

void hindsight_sandbox_die_with_parent(void) {}

void hindsight_sandbox_enter(const char *scratch, int standing) {
    (void)scratch;
    (void)standing;
    errno = ENOTSUP;
    hindsight_sandbox_refuse("this system has no namespaces");
}

void hindsight_sandbox_enter_processes(void) {}

void hindsight_sandbox_drop_privileges(int standing) { (void)standing; }

#endif
