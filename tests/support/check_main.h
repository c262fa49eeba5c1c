/* What a test gives to the main() of check_main.c: its cases. */
#ifndef SUPPORT_CHECK_MAIN_H
#define SUPPORT_CHECK_MAIN_H

#include <check.h>

void add_cases(TCase *cases);

#endif
