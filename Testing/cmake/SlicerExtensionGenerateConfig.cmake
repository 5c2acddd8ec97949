# Slicer writes <extension>Config.cmake here, for extensions that build on this one.
if("${EXTENSION_NAME}" STREQUAL "")
  message(FATAL_ERROR "EXTENSION_NAME is not set")
endif()
file(WRITE ${CMAKE_BINARY_DIR}/${EXTENSION_NAME}Config.cmake "set(${EXTENSION_NAME}_FOUND TRUE)\n")
