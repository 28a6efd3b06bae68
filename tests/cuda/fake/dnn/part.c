/* SPDX-License-Identifier: Apache-2.0 */
/* A library that lies beside libcudnn.so and that nobody calls here. */
extern const int fake_cudnn_part;
const int        fake_cudnn_part = 1;
