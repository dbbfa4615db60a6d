/* The ground floor: what every room stands on. */
#ifndef BELAY_BASE_BASE_H
#define BELAY_BASE_BASE_H

#include "engine/base/asset.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/http_date.h"
#include "engine/base/json.h"
#include "engine/base/map.h"
#include "engine/base/number.h"
#include "engine/base/pattern.h"
#include "engine/base/rng.h"
#include "engine/base/severity.h"
#include "engine/base/ssh_key.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/base/vec.h"
#include "engine/base/yaml.h"

#endif
