/* Numbers to JSON text and back. A double gets its shortest digits by the Schubfach algorithm
 * (R. Giulietti, "The Schubfach way to render doubles", 2018-2022). */
#include "number.h"

#include <stdlib.h>
#include <string.h>

#define POWER_MIN (-292)

/* 128-bit approximations of 10^-292 ... 10^324, set once by the Go side. */
static uint64_t powers[POWERS][2];

void number_init(const uint64_t *p) { memcpy(powers, p, sizeof powers); }

/* floor(log2(10^e)), floor(log10(2^e)) and floor(log10(3/4 2^e)), exact in the range needed. */
static int log2_of_10(int e) { return (e * 1741647) >> 19; }
static int log10_of_2(int e) { return (e * 1262611) >> 22; }
static int log10_of_2_low(int e) { return (e * 1262611 - 524031) >> 22; }

/* The high part of g * x, its last bit set if anything below it is. */
static uint64_t multiply(const uint64_t g[2], uint64_t x)
{
	unsigned __int128 low = (unsigned __int128)g[1] * x;
	unsigned __int128 high = (unsigned __int128)g[0] * x + (uint64_t)(low >> 64);
	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* Sets digits and exponent with d = digits * 10^exponent; d is finite and positive. */
static uint64_t shortest(double d, int *exponent)
{
	uint64_t bits;
	memcpy(&bits, &d, 8);
	uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
	int biased = (int)(bits >> 52 & 0x7ff);
	uint64_t c = biased ? fraction | (uint64_t)1 << 52 : fraction;
	int q = (biased ? biased : 1) - 1075;
	if (q <= 0 && q > -53 && !(c & (((uint64_t)1 << -q) - 1))) { /* a small integer */
		*exponent = 0;
		return c >> -q;
	}
	bool closer = !fraction && biased > 1; /* the neighbour below is half as far away */
	uint64_t odd = c & 1;
	int k = closer ? log10_of_2_low(q) : log10_of_2(q);
	int h = q + log2_of_10(-k) + 1;
	const uint64_t *g = powers[-k - POWER_MIN];
	uint64_t low = multiply(g, (4 * c - 2 + closer) << h) + odd;
	uint64_t mid = multiply(g, (4 * c) << h);
	uint64_t high = multiply(g, (4 * c + 2) << h) - odd;
	uint64_t s = mid / 4, tens = s / 10;
	*exponent = k + 1;
	if (s >= 10) {
		bool below = low <= 40 * tens, above = 40 * tens + 40 <= high;
		if (below != above)
			return tens + above;
	}
	*exponent = k;
	bool below = low <= 4 * s, above = 4 * s + 4 <= high;
	if (below != above)
		return s + above;
	uint64_t half = 4 * s + 2;
	return s + (mid > half || (mid == half && (s & 1)));
}

static int put_digits(char *p, uint64_t x)
{
	char b[20];
	int n = 0;
	do
		b[n++] = (char)('0' + x % 10);
	while (x /= 10);
	for (int i = 0; i < n; i++)
		p[i] = b[n - 1 - i];
	return n;
}

int number_integer(char *p, int64_t i)
{
	uint64_t u = (uint64_t)i;
	if (i >= 0)
		return put_digits(p, u);
	*p = '-';
	return 1 + put_digits(p + 1, 0 - u);
}

static char *put_zeros(char *p, int n)
{
	memset(p, '0', (size_t)n);
	return p + n;
}

/* digits with the decimal point after the first `whole` of them. */
static char *put_plain(char *p, const char *digits, int n, int whole)
{
	if (whole <= 0) {
		*p++ = '0';
		*p++ = '.';
		p = put_zeros(p, -whole);
		memcpy(p, digits, (size_t)n);
		return p + n;
	}
	if (n <= whole) {
		memcpy(p, digits, (size_t)n);
		p = put_zeros(p + n, whole - n);
		*p++ = '.';
		*p++ = '0';
		return p;
	}
	memcpy(p, digits, (size_t)whole);
	p[whole] = '.';
	memcpy(p + whole + 1, digits + whole, (size_t)(n - whole));
	return p + n + 1;
}

static char *put_scientific(char *p, const char *digits, int n, int exponent)
{
	*p++ = digits[0];
	if (n > 1) {
		*p++ = '.';
		memcpy(p, digits + 1, (size_t)n - 1);
		p += n - 1;
	}
	*p++ = 'e';
	*p++ = exponent < 0 ? '-' : '+';
	return p + put_digits(p, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

/* Writes a finite double: always with a fraction or an exponent, the latter from 1e16 up and
 * below 1e-5. Needs NUMBER_MAX bytes; returns how many were written. */
int number_float(char *out, double d)
{
	char *p = out, digits[20];
	uint64_t bits;
	memcpy(&bits, &d, 8);
	if (bits >> 63) {
		*p++ = '-';
		d = -d;
	}
	if (d == 0) {
		memcpy(p, "0.0", 3);
		return (int)(p + 3 - out);
	}
	int exponent;
	uint64_t x = shortest(d, &exponent);
	for (; x % 10 == 0; x /= 10)
		exponent++;
	int n = put_digits(digits, x), whole = n + exponent;
	if (whole > 16 || whole < -4)
		p = put_scientific(p, digits, n, whole - 1);
	else
		p = put_plain(p, digits, n, whole);
	return (int)(p - out);
}

/* ---- reading ---- */

static double power_of_ten(int n)
{
	static const double exact[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	return exact[n];
}

static int read_exponent(const char *p, const char *to)
{
	bool minus = *p == '-';
	int e = 0;
	for (p += *p == '-' || *p == '+'; p < to && e < 1000; p++)
		e = e * 10 + (*p - '0');
	return minus ? -e : e;
}

/* Reads a JSON number. Few digits and a small exponent need one exact operation (W. Clinger,
 * "How to read floating point numbers accurately", 1990); the rest is for the C library, for
 * which a byte that belongs to no number, such as a NUL, must follow the text. */
double number_read_float(const char *from, const char *to)
{
	uint64_t m = 0;
	int count = 0, e = 0;
	bool fraction = false, negative = *from == '-';
	const char *p = from + negative;
	for (; p < to && (*p | 32) != 'e' && count <= 18; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		m = m * 10 + (uint64_t)(*p - '0');
		count += m != 0;
		e -= fraction;
	}
	if (count > 18 || m >= (uint64_t)1 << 53)
		return strtod(from, NULL);
	if (p < to)
		e += read_exponent(p + 1, to);
	if (e < -22 || e > 22)
		return strtod(from, NULL);
	double d = e < 0 ? (double)m / power_of_ten(-e) : (double)m * power_of_ten(e);
	return negative ? -d : d;
}

/* Reads a JSON number without fraction or exponent. Returns false when it is none of 64 bits,
 * and for -0, which is a float. */
bool number_read_integer(const char *from, const char *to, int64_t *i)
{
	bool negative = *from == '-';
	uint64_t x = 0, limit = (uint64_t)INT64_MAX + negative;
	for (const char *p = from + negative; p < to; p++) {
		uint64_t d = (uint64_t)(*p - '0');
		if (x > (limit - d) / 10)
			return false;
		x = x * 10 + d;
	}
	*i = (int64_t)(negative ? 0 - x : x);
	return !(negative && x == 0);
}
