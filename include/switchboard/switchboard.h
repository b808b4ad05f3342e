/* Everything a plugin includes. */
#ifndef SWITCHBOARD_SWITCHBOARD_H
#define SWITCHBOARD_SWITCHBOARD_H

#include "switchboard/look.h"
#include "switchboard/plugin.h"

#endif
