/* What a call of libheadcount can answer.
 *
 * Values are pinned: they never change meaning, new ones are added at the end. */
#ifndef HEADCOUNT_ERROR_H
#define HEADCOUNT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum hc_status {
    HC_OK = 0,
    HC_ENOMEM = 1,     /* the allocator gave nothing */
    HC_ERANGE = 2,     /* an argument outside its documented range */
    HC_EPROFILE = 3,   /* sketches of different profiles or keys do not meet */
    HC_EROOM = 4,      /* the caller's buffer is too small */
    HC_ETRUNCATED = 5, /* the bytes end before the sketch does */
    HC_EMAGIC = 6,     /* not a sketch of this form */
    HC_EVERSION = 7,   /* a form newer than this library */
    HC_ECORRUPT = 8,   /* a field that no encoder writes */
    HC_ECHECKSUM = 9,  /* well formed, but not what was written */
    HC_EPRECISION = 10, /* the target form has no such precision */
    HC_EWIDE = 11       /* the interval is wider than the value: nothing to say */
};

/* The constant's name ("HC_ENOMEM"), or "HC_UNKNOWN". Static, never freed. */
const char *hc_status_name(enum hc_status status);

/* One lower-case sentence for people, without a full stop. Static. */
const char *hc_status_text(enum hc_status status);

#ifdef __cplusplus
}
#endif
#endif
