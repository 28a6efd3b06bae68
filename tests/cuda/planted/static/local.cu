/* SPDX-License-Identifier: Apache-2.0 */
/* An array whose index the compiler cannot know lies in memory of the thread's own. */
extern "C" __global__ void planted_local(float *y, const int *x)
{
    float mine[16];
    for (int i = 0; i < 16; i++)
        mine[(x[i] + i) & 15] = (float)i;
    y[threadIdx.x] = mine[x[threadIdx.x] & 15];
}
