// What the processor and the operating system together allow, which Swift cannot ask: two functions.
#pragma once
#include <sys/syscall.h>
#include <unistd.h>

/// Processors in the calling thread's affinity mask; 0 when the system does not say.
static inline int flip_processors(void) {
    unsigned long mask[1024 / (8 * sizeof(unsigned long))] = {0};
    const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int count = 0;
    for (unsigned long i = 0; bytes > 0 && i < (unsigned long)bytes / sizeof mask[0]; i++) {
        count += __builtin_popcountl(mask[i]);
    }
    return count;
}

#if defined(__x86_64__)
#include <cpuid.h>

/// 2: AVX-512 (F, VL, DQ, BW) with FMA; 1: AVX2 with FMA; 0: neither. An instruction set counts only when the operating
/// system saves its registers (XCR0).
static inline int flip_instruction_set(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    if ((c & (fma | osxsave | avx)) != (fma | osxsave | avx)) return 0;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x06) != 0x06) return 0;  // XMM and YMM state
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if (!(b & (1u << 5))) return 0;  // AVX2
    const unsigned wide = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);  // F, DQ, BW, VL
    return (b & wide) == wide && (low & 0xe6) == 0xe6 ? 2 : 1;  // and opmask, ZMM state
}
#else
static inline int flip_instruction_set(void) { return 0; }
#endif
