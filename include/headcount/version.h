/* The version of the library: what a program was compiled with, and what it
 * runs with. */
#ifndef HEADCOUNT_VERSION_H
#define HEADCOUNT_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/* These headers'. */
#define HC_VERSION_MAJOR 0
#define HC_VERSION_MINOR 1
#define HC_VERSION_PATCH 0

/* The library's, as "0.1.0". Static, never freed. */
const char *hc_version(void);

#ifdef __cplusplus
}
#endif
#endif
