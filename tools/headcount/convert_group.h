/* A group that people typed, in the canonical form that records have. */
#ifndef HEADCOUNT_CONVERT_GROUP_H
#define HEADCOUNT_CONVERT_GROUP_H

#include <stddef.h>

struct convert_group;

/* Owned by the caller; NULL when there is no memory. */
struct convert_group *convert_group_create(void);
void convert_group_destroy(struct convert_group **group);

/* The canonical form of `size` untrusted bytes, or NULL and in *error what is
 * wrong with them. Both are borrowed until the next call. */
const char *convert_group_read(struct convert_group *group, const char *bytes, size_t size,
                               const char **error);

#endif
