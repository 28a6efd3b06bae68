# SPDX-License-Identifier: Apache-2.0
# Debian packages: scripts/package, which configures for /usr and runs CPack. One package for each component of install.cmake
# and plugin.cmake.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weft)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
# Who made this version and when: the commit's author and date; of sources without git the project's address, and the time at
# which CHANGELOG.md was written.
set(maintainer "The weft maintainers <maintainers@users.noreply.r-seed-a8c3e33b.example>")
file(TIMESTAMP ${PROJECT_SOURCE_DIR}/CHANGELOG.md made "%a, %d %b %Y %H:%M:%S +0000" UTC)
find_package(Git QUIET)
if(Git_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  set(ENV{TZ} UTC)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${PROJECT_SOURCE_DIR} log -1 --date=format-local:%a,\ %d\ %b\ %Y\ %H:%M:%S\ +0000
      --format=%an\ <%ae>|%cd
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND commit MATCHES "^([^|]+<[^|]+>)\\|(.+)$")
    set(maintainer "${CMAKE_MATCH_1}")
    set(made "${CMAKE_MATCH_2}")
  endif()
endif()
string(REGEX MATCH " ([0-9][0-9][0-9][0-9]) " year "${made}")
string(STRIP "${year}" year)
set(CPACK_PACKAGE_CONTACT "${maintainer}" CACHE STRING "Maintainer in the packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Llama 3 text models with plugins for pictures and other media")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# weft_package(COMPONENT NAME SUMMARY TEXT [FIELD VALUE...])
function(weft_package component name summary text)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "This package: ${summary}.\n${text}" PARENT_SCOPE)
  while(ARGN)
    list(POP_FRONT ARGN field value)
    set(CPACK_DEBIAN_${upper}_${field} "${value}" PARENT_SCOPE)
  endwhile()
endfunction()

get_property(plugins GLOBAL PROPERTY WEFT_PLUGIN_PACKAGES)
set(all "")
foreach(plugin IN LISTS plugins)
  string(REPLACE weft- weft-plugin- name ${plugin})
  list(APPEND all ${name})
endforeach()
string(REPLACE ";" ", " all "${all}")

weft_package(program weft "the program"
  "The program: it describes pictures and clips, writes recordings down and\ncontinues texts with models in the layout of Hugging Face."
  PACKAGE_DEPENDS weft-plugins PACKAGE_RECOMMENDS "weft-demo, ${all}")
weft_package(lib libweft0 "the shared library"
  "The shared library for programs that embed weft."
  PACKAGE_SECTION libs PACKAGE_RECOMMENDS "weft-plugins, ${all}")
weft_package(dev libweft-dev "headers and static library of weft"
  "For programs that embed weft, and for plugins."
  PACKAGE_SECTION libdevel PACKAGE_DEPENDS "libweft0 (= ${PROJECT_VERSION}), libjansson-dev")
weft_package(plugins weft-plugins "weft's own modalities"
  "The text tokenizers and the adapters for pictures, clips and speech. They\nneed no library." )
weft_package(demo weft-demo "a small model for weft"
  "A model that was made to try weft with; it describes simple pictures."
  PACKAGE_ARCHITECTURE all PACKAGE_SHLIBDEPS OFF)
set(device "")
if(TARGET weft-cuda)
  set(device cuda)
  weft_package(cuda weft-cuda "NVIDIA GPUs for weft"
    "The device cuda: it looks for the NVIDIA driver when it is asked for, and\nneeds no library of NVIDIA's to be installed."
    PACKAGE_DEPENDS "weft-plugins (= ${PROJECT_VERSION})")
endif()
foreach(plugin IN LISTS plugins)
  string(REPLACE weft- "" format ${plugin})
  weft_package(${plugin} weft-plugin-${format} "decoder of weft through ${format}"
    "What this plugin reads and what it links is told by weft plugin list."
    PACKAGE_DEPENDS weft-plugins)
endforeach()

# Exactly the exports of the shared library, for what links it.
file(WRITE ${CMAKE_BINARY_DIR}/package/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIB_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/package/triggers)
file(WRITE ${CMAKE_BINARY_DIR}/package/shlibs "libweft 0 libweft0 (>= ${PROJECT_VERSION})\n")
list(APPEND CPACK_DEBIAN_LIB_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/package/shlibs)

# Debian wants a copyright and a changelog in each package, and compressed man pages.
find_program(WEFT_GZIP gzip)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/package/changelog CONTENT
"weft (@PROJECT_VERSION@) unstable; urgency=medium

  * What changed is in CHANGELOG.md.

 -- @CPACK_PACKAGE_CONTACT@  @made@
" @ONLY)
file(WRITE ${CMAKE_BINARY_DIR}/package/copyright
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: weft

Files: *
Copyright: ${year}, the weft maintainers
License: Apache-2.0
 On Debian systems the text of this license is in
 /usr/share/common-licenses/Apache-2.0.
")
option(WEFT_DEBIAN_DOC "Install what Debian's policy wants beside the files (scripts/package)" OFF)
if(WEFT_DEBIAN_DOC AND WEFT_GZIP)
  execute_process(COMMAND ${WEFT_GZIP} -9nf ${CMAKE_BINARY_DIR}/package/changelog)
  foreach(component program lib dev plugins demo ${device} ${plugins})
    string(TOUPPER ${component} upper)
    install(FILES ${CMAKE_BINARY_DIR}/package/copyright ${CMAKE_BINARY_DIR}/package/changelog.gz
      DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME} COMPONENT ${component})
  endforeach()
endif()
include(CPack)
