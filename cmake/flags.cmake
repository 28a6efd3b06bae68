# SPDX-License-Identifier: Apache-2.0
# Warnings, hardening and the floating-point contract, the same for every target of ours. Nobody asks for errno or for a floating-point trap; gcc
# keeps branches for traps, with which it cannot use vectors. No result depends on either.

add_library(weft_flags INTERFACE)
target_compile_options(weft_flags INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wconversion -Wshadow -Wvla -ffp-contract=off>
  $<$<BOOL:${WEFT_WERROR}>:-Werror>
  -fno-math-errno -fno-trapping-math -fstack-protector-strong)
# Ops are compared byte by byte (cuda/graph.c), so all of a union must be zero; gcc 15 sees to its first member alone.
include(CheckCCompilerFlag)
check_c_compiler_flag(-fzero-init-padding-bits=all WEFT_HAS_ZERO_INIT)
if(WEFT_HAS_ZERO_INIT)
  target_compile_options(weft_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-fzero-init-padding-bits=all>)
endif()
target_link_options(weft_flags INTERFACE -Wl,-z,relro,-z,now)
if(NOT WEFT_SANITIZE)
  target_compile_definitions(weft_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()
target_compile_definitions(weft_flags INTERFACE _GNU_SOURCE)
if(WEFT_SANITIZE)
  add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

# Only files named for an instruction set get its flags, so one binary runs on any x86-64, and one on any AArch64.
# clang takes minutes over their unrolled tiles with every access instrumented, so there they are built plain; gcc's
# sanitizer run covers them.
set(WEFT_ISA_EXTRA "")
if(WEFT_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang")
  set(WEFT_ISA_EXTRA ";-fno-sanitize=all")
endif()
function(weft_isa_flags)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    # gcc otherwise moves loads so far up that the accumulators of a tile no longer fit the registers.
    set(options "-O3;$<$<C_COMPILER_ID:GNU>:-fno-schedule-insns>${WEFT_ISA_EXTRA}")
    foreach(src IN LISTS ARGN)
      if(src MATCHES "_dotprod\\.c$")
        set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "-march=armv8.2-a+dotprod;${options}")
      elseif(src MATCHES "_neon\\.c$") # which every AArch64 has
        set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "${options}")
      endif()
    endforeach()
    return()
  endif()
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    return()
  endif()
  foreach(src IN LISTS ARGN)
    if(src MATCHES "_avx512bf16\\.c$")
      set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS
        "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx512bf16;-O3${WEFT_ISA_EXTRA}")
    elseif(src MATCHES "_avx512vnni\\.c$")
      set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS
        "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx512vnni;-O3${WEFT_ISA_EXTRA}")
    elseif(src MATCHES "_avxvnni\\.c$")
      set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c;-mavxvnni;-O3${WEFT_ISA_EXTRA}")
    elseif(src MATCHES "_amx\\.c$")
      set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS 
        "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx512vnni;-mamx-tile;-mamx-bf16;-mamx-int8;-O3${WEFT_ISA_EXTRA}")
    elseif(src MATCHES "_avx512\\.c$")
      set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS
        "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-O3${WEFT_ISA_EXTRA}")
    elseif(src MATCHES "_avx2\\.c$")
      set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c;-O3${WEFT_ISA_EXTRA}")
    endif()
  endforeach()
endfunction()
