#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>

/* Declared by glibc only for _GNU_SOURCE, which Swift's Glibc module does not set. Source: pthread_setname_np(3). */
int pthread_setname_np(pthread_t thread, const char *name);

/* What Swift cannot call: functions with a variable number of arguments. Each kind of argument has its function here,
   because an `int` where libcurl reads a `long` is undefined behaviour that no compiler reports. */

static inline CURLcode
easy_set_long(CURL *handle, CURLoption option, long value)
{
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode
easy_set_offset(CURL *handle, CURLoption option, curl_off_t value)
{
    return curl_easy_setopt(handle, option, value);
}

/* libcurl copies the text, except for CURLOPT_POSTFIELDS. */
static inline CURLcode
easy_set_text(CURL *handle, CURLoption option, const char *value)
{
    return curl_easy_setopt(handle, option, value);
}

/* libcurl keeps the pointer. */
static inline CURLcode
easy_set_pointer(CURL *handle, CURLoption option, void *value)
{
    return curl_easy_setopt(handle, option, value);
}

/* For CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION, which have one form. */
static inline CURLcode
easy_set_transfer_callback(CURL *handle, CURLoption option, curl_write_callback callback)
{
    return curl_easy_setopt(handle, option, callback);
}

static inline CURLcode
easy_set_seek_callback(CURL *handle, curl_seek_callback callback)
{
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, callback);
}

/* What was sent and is not acknowledged for 15 s ends its connection. Without it one whose packets are lost without a word would take requests until
   the kernel gives up, a quarter of an hour later: a transfer that times out ends its stream, not the HTTP/2 connection. Source: tcp(7). */
static int
set_user_timeout(void *context, curl_socket_t descriptor, curlsocktype purpose)
{
    unsigned int milliseconds = 15000;
    (void)context;
    (void)purpose;
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return CURL_SOCKOPT_OK;
}

static inline CURLcode
easy_set_user_timeout(CURL *handle)
{
    return curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, set_user_timeout);
}

static inline CURLcode
easy_get_long(CURL *handle, CURLINFO information, long *value)
{
    return curl_easy_getinfo(handle, information, value);
}

static inline CURLcode
easy_get_pointer(CURL *handle, CURLINFO information, char **value)
{
    return curl_easy_getinfo(handle, information, value);
}

static inline CURLMcode
multi_set_long(CURLM *handle, CURLMoption option, long value)
{
    return curl_multi_setopt(handle, option, value);
}
