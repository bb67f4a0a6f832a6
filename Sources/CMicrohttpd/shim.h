#pragma once
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <microhttpd.h>

/* Declared by glibc only for _GNU_SOURCE, which Swift's Glibc module does not set. Source: accept4(2), pthread_setname_np(3). */
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(pthread_t thread, const char *name);

/* What Swift cannot call: functions with a variable number of arguments. Each argument has its type here, because an
   `unsigned int` where MHD reads a `size_t` is undefined behaviour that no compiler reports. */

struct mhd_callbacks {
    void *context;
    void *(*target)(void *context, const char *target, struct MHD_Connection *connection);
    size_t (*unescape)(void *context, struct MHD_Connection *connection, char *text);
    MHD_AccessHandlerCallback access;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback notify;
};

static inline int
socket_unread_bytes(int descriptor)
{
    int bytes = 0;
    return ioctl(descriptor, FIONREAD, &bytes) == 0 ? bytes : 0;
}

static inline int
socket_unsent_bytes(int descriptor)
{
    int bytes = 0;
    return 0 == ioctl(descriptor, SIOCOUTQ, &bytes) ? bytes : 0;
}

/* A daemon without thread, listen socket or log: it is driven through its epoll descriptor alone. It is not strict, because the
   refusals of its own parser go out twice; what it lets through because of that is refused, once, by RequestGuard. */
static inline struct MHD_Daemon *
mhd_start_external(unsigned int connection_limit, size_t connection_memory, struct mhd_callbacks callbacks)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        callbacks.access, callbacks.context,
        MHD_OPTION_CONNECTION_LIMIT, connection_limit,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
        MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_URI_LOG_CALLBACK, callbacks.target, callbacks.context,
        MHD_OPTION_UNESCAPE_CALLBACK, callbacks.unescape, callbacks.context,
        MHD_OPTION_NOTIFY_COMPLETED, callbacks.completed, callbacks.context,
        MHD_OPTION_NOTIFY_CONNECTION, callbacks.notify, callbacks.context,
        MHD_OPTION_END);
}

/* The least that there is: a second without a byte, and the connection is closed. */
static inline void
mhd_close_soon(struct MHD_Connection *connection)
{
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
}

static inline int
mhd_epoll_descriptor(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return NULL == info ? -1 : info->epoll_fd;
}

static inline void *
mhd_socket_context(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return NULL == info ? NULL : info->socket_context;
}
