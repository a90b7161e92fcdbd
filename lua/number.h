/* Numbers as JSON text. */
#ifndef ALC_NUMBER_H
#define ALC_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_MAX 32
#define POWERS 617

void number_init(const uint64_t *powers);
int number_integer(char *p, int64_t i);
int number_float(char *p, double d);
double number_read_float(const char *from, const char *to);
bool number_read_integer(const char *from, const char *to, int64_t *i);

#endif
