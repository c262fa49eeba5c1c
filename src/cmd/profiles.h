/* The profiles of a run: what they are for, what they can't do. */
#ifndef CMD_PROFILES_H
#define CMD_PROFILES_H

#include "config.h"
#include "headcount/sketch.h"

/* Names in the order of enum hc_profile, which begins with 1; NULL ends them. */
extern const char *const profiles_names[];
/* config.profiles of the first alone. */
#define PROFILES_DEFAULT 1u

bool profiles_keyed(const struct config *config);
int profiles_count(const struct config *config);

/* What the sketches of a window are made of, into `sketches`, which has room for
 * all profiles; in the order of the enum, whatever the order of the options.
 * The key is borrowed from the config. */
size_t profiles_sketches(const struct config *config, struct hc_sketch_options *sketches);

/* "redis,keyed:0123456789abcdef": the names in that order, a keyed one with its
 * key's id. What follows from the same settings is the same text. */
#define PROFILES_TEXT_MAX 128
void profiles_text(const struct config *config, char *text, size_t room);

/* A message for each profile: with what its sketches unite, and with what never,
 * which is decided for good by the first frame. */
void profiles_tell(const struct config *config);
/* A warning for each profile whose engines don't take sketches of this
 * precision. */
void profiles_warn(const struct config *config);

#endif
