# SPDX-License-Identifier: Apache-2.0
# Removes what the last `cmake --install` of BUILD put somewhere (install_manifest.txt), and the folders of weft's own that
# are empty then.

set(manifest ${BUILD}/install_manifest.txt)
if(NOT EXISTS ${manifest})
  message(FATAL_ERROR "nothing to uninstall: ${manifest} is not there; it is written by cmake --install ${BUILD}")
endif()
file(STRINGS ${manifest} files)
set(folders "")
foreach(file IN LISTS files)
  file(REMOVE "$ENV{DESTDIR}${file}")
  string(REGEX MATCH "^.*/weft(/|$)" own "${file}")
  get_filename_component(folder "${file}" DIRECTORY)
  while(own AND folder MATCHES "/weft(/|$)")
    list(APPEND folders "$ENV{DESTDIR}${folder}")
    get_filename_component(folder "${folder}" DIRECTORY)
  endwhile()
endforeach()

# The deepest first.
list(REMOVE_DUPLICATES folders)
list(SORT folders ORDER DESCENDING)
foreach(folder IN LISTS folders)
  file(GLOB left LIST_DIRECTORIES true "${folder}/*" "${folder}/.[!.]*")
  if(IS_DIRECTORY "${folder}" AND NOT left)
    file(REMOVE_RECURSE "${folder}")
  endif()
endforeach()
file(REMOVE ${manifest})
list(LENGTH files n)
message(STATUS "${n} files removed")
