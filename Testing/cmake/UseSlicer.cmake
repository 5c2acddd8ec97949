# What include(${Slicer_USE_FILE}) gives an extension: defaults, testing switched on, and the macros for scripted modules.

if(NOT DEFINED EXTENSION_NAME)
  set(EXTENSION_NAME ${PROJECT_NAME})
endif()
if(NOT DEFINED EXTENSION_LICENSE_FILE)
  set(EXTENSION_LICENSE_FILE ${Slicer_LICENSE_FILE})
endif()
if(NOT DEFINED EXTENSION_README_FILE)
  set(EXTENSION_README_FILE ${Slicer_README_FILE})
endif()
if(NOT DEFINED EXTENSION_DEPENDS)
  set(EXTENSION_DEPENDS NA)
endif()

include(CTest)
include(${Slicer_CMAKE_DIR}/SlicerMacroBuildScriptedModule.cmake)
include(${Slicer_CMAKE_DIR}/SlicerMacroPythonTesting.cmake)
