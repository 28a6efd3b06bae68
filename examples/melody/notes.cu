/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU body of the kernel "notes" (melody.c has the CPU body and the formula): a block of
 * threads for each note. The host compares nothing by itself: that both bodies give the same is the
 * author's to test. */
extern "C" __global__ void notes_gpu(float *y, const float *notes, const float *table, int d)
{
    const long long i = blockIdx.x;
    int             note = (int)notes[2 * i];
    const float     strength = 1.0f - expf(-notes[2 * i + 1] / 4.0f);
    note = note < 0 ? 0 : note > 127 ? 127 : note;
    for (int c = threadIdx.x; c < d; c += blockDim.x)
        y[i * d + c] = table[(long long)note * d + c] * strength;
}
