#ifndef HINDSIGHT_SYSTEM_H
#define HINDSIGHT_SYSTEM_H

#include "fdpassing.h"
#include "sandbox.h"
#include "launch.h"

#endif
