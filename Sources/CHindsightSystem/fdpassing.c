#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "fdpassing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// More than one descriptor never travels with one message of ours; room for a few keeps a misbehaving
// peer from leaking descriptors through truncation.
enum { ROOM = 16 };

#if !defined(__linux__)
static int close_on_exec(int descriptor) {
  if (descriptor >= 0 && fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
  }
#if defined(SO_NOSIGPIPE)
  int on = 1;
  if (descriptor >= 0) setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return descriptor;
}
#endif

int hindsight_local_socket(void) {
#if defined(__linux__)
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
#else
  return close_on_exec(socket(AF_UNIX, SOCK_STREAM, 0));
#endif
}

int hindsight_local_pair(int descriptors[2]) {
#if defined(__linux__)
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors);
#else
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, descriptors) != 0) return -1;
  close_on_exec(descriptors[0]);
  close_on_exec(descriptors[1]);
  return 0;
#endif
}

int hindsight_accept(int listener) {
#if defined(__linux__)
  return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
#else
  return close_on_exec(accept(listener, NULL, NULL));
#endif
}

ssize_t hindsight_send(int socket, const void *bytes, size_t count, int descriptor) {
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
#if defined(MSG_NOSIGNAL)
  return sendmsg(socket, &message, MSG_NOSIGNAL);
#else
  return sendmsg(socket, &message, 0);
#endif
}

ssize_t hindsight_receive(
    int socket, void *bytes, size_t count, int *descriptors, int limit, int *received) {
  struct iovec part = {.iov_base = bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * ROOM)];
  } control;
  struct msghdr message = {
      .msg_iov = &part,
      .msg_iovlen = 1,
      .msg_control = control.bytes,
      .msg_controllen = sizeof control.bytes,
  };
  *received = 0;
#if defined(MSG_CMSG_CLOEXEC)
  ssize_t result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
#else
  ssize_t result = recvmsg(socket, &message, 0);
#endif
  if (result < 0) return result;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int present = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int index = 0; index < present; index++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
#if !defined(MSG_CMSG_CLOEXEC)
      descriptor = close_on_exec(descriptor);
#endif
      if (*received < limit) {
        descriptors[(*received)++] = descriptor;
      } else {
        close(descriptor);
      }
    }
  }
  return result;
}
