# SPDX-License-Identifier: Apache-2.0
# weft_seam(FILE.c): gives a source WEFT_SEAM, a hash of the headers that the core and a device module share, those whose
# functions both compile into themselves included. A module that was built with other headers, be it of the same version, is
# refused (core/device/registry.c). CMake runs again when one changes.
set(weft_seam_text "")
foreach(header core/ops/op.h core/device/device.h core/device/module.h core/base/status.h
    core/base/mem.h core/base/threads.h core/base/half.h core/base/exponential.h core/device/cpu/math.h core/device/cpu/fp8.h
    core/device/cpu/quant_block.h include/weft/base.h include/weft/kernels.h)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
  file(SHA256 ${PROJECT_SOURCE_DIR}/${header} weft_one)
  string(APPEND weft_seam_text ${weft_one})
endforeach()
string(SHA256 weft_seam_hash "${weft_seam_text}")
string(SUBSTRING ${weft_seam_hash} 0 16 WEFT_SEAM)

function(weft_seam file)
  get_source_file_property(has ${file} COMPILE_DEFINITIONS)
  if(NOT "${has}" MATCHES "WEFT_SEAM")
    set_property(SOURCE ${file} APPEND PROPERTY COMPILE_DEFINITIONS WEFT_SEAM="${WEFT_SEAM}")
  endif()
endfunction()
