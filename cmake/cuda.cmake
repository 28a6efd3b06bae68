# SPDX-License-Identifier: Apache-2.0
# Code for NVIDIA GPUs. The build needs nothing of the CUDA toolkit: without nvcc there is no device cuda, and the plugins
# have no GPU bodies. WEFT_NVCC says which nvcc, WEFT_CUDA_SERIES is then its major version, else empty.
option(WEFT_CUDA "Build the device module and the GPU bodies of plugins' kernels where nvcc is found" ON)
find_program(WEFT_NVCC nvcc PATHS ENV CUDA_PATH ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES bin)
set(WEFT_CUDA_ARCHITECTURES "80;90;100" CACHE STRING "GPUs that kernels have code for; PTX of the first serves others")

set(WEFT_CUDA_SERIES "")
set(weft_why "WEFT_CUDA is off")
if(WEFT_CUDA)
  set(weft_why "nvcc is not found")
endif()
if(WEFT_CUDA AND WEFT_NVCC)
  set(weft_why "${WEFT_NVCC} does not say its version")
  execute_process(COMMAND ${WEFT_NVCC} --version OUTPUT_VARIABLE weft_version ERROR_QUIET)
  if(weft_version MATCHES "release ([0-9]+)\\.")
    set(WEFT_CUDA_SERIES ${CMAKE_MATCH_1})
  endif()
endif()

# A kernel that spills registers or keeps an array in local memory fails the build. Images are not compressed, so that the
# PTX in them can be read.
set(WEFT_NVCC_FLAGS -fatbin -std=c++17 -O3 -fmad=false --no-compress --Werror all-warnings
  -Xptxas -warn-spills,-warn-lmem-usage)
list(GET WEFT_CUDA_ARCHITECTURES 0 weft_least)
list(APPEND WEFT_NVCC_FLAGS -gencode arch=compute_${weft_least},code=compute_${weft_least})
foreach(arch IN LISTS WEFT_CUDA_ARCHITECTURES)
  list(APPEND WEFT_NVCC_FLAGS -gencode arch=compute_${arch},code=sm_${arch})
endforeach()

# Whether this nvcc, with the host compiler that it finds, can build these images at all: one that is too old for a GPU in the
# list, or that knows no such host compiler, costs the device and not the build.
if(WEFT_CUDA_SERIES)
  file(WRITE ${CMAKE_BINARY_DIR}/nvcc_probe.cu "extern \"C\" __global__ void probe(float *p) { *p = 1; }\n")
  execute_process(COMMAND ${WEFT_NVCC} ${WEFT_NVCC_FLAGS} -o ${CMAKE_BINARY_DIR}/nvcc_probe.fatbin
    ${CMAKE_BINARY_DIR}/nvcc_probe.cu RESULT_VARIABLE weft_failed OUTPUT_QUIET ERROR_VARIABLE weft_said)
  if(weft_failed)
    string(REGEX REPLACE "\n.*" "" weft_why "${WEFT_NVCC} fails: ${weft_said}")
    set(WEFT_CUDA_SERIES "")
  endif()
endif()
if(NOT WEFT_CUDA_SERIES)
  message(STATUS "libweft-cuda is left out (${weft_why}): there will be no device cuda")
endif()

# weft_fatbin(OUTPUT SOURCE): the image of one .cu. All of them stand in the property WEFT_IMAGES.
function(weft_fatbin output source)
  add_custom_command(OUTPUT ${output}
    COMMAND ${WEFT_NVCC} ${WEFT_NVCC_FLAGS} -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include
      -MD -MF ${output}.d -o ${output} ${source}
    DEPENDS ${source} DEPFILE ${output}.d COMMENT "Building the GPU image of ${source}" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY WEFT_IMAGES ${output})
endfunction()

# weft_plugin_image(PLUGIN SOURCE.cu FILE.c): gives the plugin the image; FILE.c embeds it (plugins/common/gpu_image.h).
function(weft_plugin_image plugin source file)
  if(NOT WEFT_CUDA_SERIES)
    return()
  endif()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${plugin}.fatbin)
  weft_fatbin(${output} ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  set_property(SOURCE ${file} APPEND PROPERTY OBJECT_DEPENDS ${output})
  set_property(SOURCE ${file} APPEND PROPERTY COMPILE_DEFINITIONS WEFT_GPU_IMAGE="${output}")
  set_property(GLOBAL APPEND PROPERTY WEFT_IMAGE_PLUGINS ${plugin}) # for the tests of their kernels
endfunction()
