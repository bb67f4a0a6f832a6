#pragma once
#include <sys/epoll.h>
#include <microhttpd.h>
