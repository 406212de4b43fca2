/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SIM_PACK_H
#define SIM_PACK_H

#include "core/types.h"

size_t pack_bound(size_t n);
size_t pack(const u64 *words, size_t n, u64 *out);
const u64 *unpack(const u64 *in, u64 *words, size_t n);

#endif /* SIM_PACK_H */
