#ifndef HINDSIGHT_FDPASSING_H
#define HINDSIGHT_FDPASSING_H

#include <stddef.h>
#include <sys/types.h>

// The functions of the socket API that Swift cannot call: control messages are built by macros, and
// close-on-exec must be set in the very call that makes a descriptor, or a child started by another
// thread inherits it.
//
// All return -1 and set errno on failure, and are restarted by the caller after EINTR.

/// An unconnected Unix stream socket, closed on exec.
int hindsight_local_socket(void);

/// Two connected Unix stream sockets, closed on exec.
int hindsight_local_pair(int descriptors[2]);

/// The next connection of a listening socket, closed on exec.
int hindsight_accept(int listener);

/// Sends bytes, with `descriptor` attached to them unless it is negative. Never raises SIGPIPE.
ssize_t hindsight_send(int socket, const void *bytes, size_t count, int descriptor);

/// Receives bytes and the descriptors that came with them, closed on exec; `*received` says how many.
/// Descriptors beyond `limit` are closed.
ssize_t hindsight_receive(
    int socket, void *bytes, size_t count, int *descriptors, int limit, int *received);

#endif
