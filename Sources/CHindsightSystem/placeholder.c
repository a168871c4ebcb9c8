#include "CHindsightSystem.h"
