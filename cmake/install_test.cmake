# SPDX-License-Identifier: Apache-2.0
# Installs to one place, moves it to another, and runs the program there: its own plugins must be found beside it, and the
# demo model must describe a picture. Run by ctest with BUILD, BINDIR, LIBDIR and PICTURE.

function(run out)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env --unset=WEFT_PLUGIN_PATH --unset=WEFT_MODEL ${ARGN}
    OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}: ${code}: ${errors}")
  endif()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(first ${BUILD}/install-test/first)
set(moved ${BUILD}/install-test/moved)
file(REMOVE_RECURSE ${BUILD}/install-test)
run(ignored ${CMAKE_COMMAND} --install ${BUILD} --prefix ${first})
file(RENAME ${first} ${moved})

set(weft ${moved}/${BINDIR}/weft)
run(plugins ${weft} plugin list --json)
if(NOT plugins MATCHES "${moved}/${LIBDIR}/weft/plugins/weft-vision.so" OR plugins MATCHES "${BUILD}/plugins/")
  message(FATAL_ERROR "the program does not use the plugins beside it: ${plugins}")
endif()
run(text ${weft} describe -n 2 ${PICTURE})
if(text STREQUAL "")
  message(FATAL_ERROR "the demo model beside the program said nothing")
endif()
file(REMOVE_RECURSE ${BUILD}/install-test)
