/* SPDX-License-Identifier: Apache-2.0 */
/* Probabilities that are the same on every machine: an exponential of IEEE operations only. */
#ifndef WF_EXPONENTIAL_H
#define WF_EXPONENTIAL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* e^x for x <= 0. Not libm's: its last bit differs between machines with and without FMA. x is
 * k ln 2 + r with |r| <= ln 2 / 2, where 13 terms of the series leave less than a double shows. */
static inline double wf_exp_same(double x)
{
    static const double inverse[] = {
        /* of 13!, 12!, ... 0! */
        1.0 / 6227020800.0,
        1.0 / 479001600.0,
        1.0 / 39916800.0,
        1.0 / 3628800.0,
        1.0 / 362880.0,
        1.0 / 40320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
        1.0,
        1.0,
    };
    const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
    if (!(x > -700.0)) /* 2^k below stays a normal number */
        return 0.0;
    double k = floor(x * 0x1.71547652b82fep+0 + 0.5);
    double r = (x - k * ln2_high) - k * ln2_low;
    double sum = inverse[0], power;
    for (size_t i = 1; i < sizeof(inverse) / sizeof(inverse[0]); i++)
        sum = sum * r + inverse[i];
    uint64_t bits = (uint64_t)((int64_t)k + 1023) << 52;
    memcpy(&power, &bits, sizeof(power));
    return sum * power;
}

/* Natural logarithm of the probability of logit, where max is the greatest of all and sum that of
 * wf_exp_same(each - max). */
static inline float wf_log_probability(float logit, float max, double sum)
{
    return (float)((double)logit - (double)max - log(sum));
}

#endif
