# A stand-in for the CMake package of a Slicer build tree, so that the extension can be configured, built and installed
# where there is no Slicer. It offers what a scripted extension uses and is stricter than Slicer: what Slicer would accept
# and then mislay is an error here.
set(Slicer_FOUND TRUE)
set(Slicer_VERSION 5.10.0)
set(Slicer_VERSION_MAJOR 5)
set(Slicer_VERSION_MINOR 10)
set(Slicer_REVISION 0)
set(Slicer_OS standin)
set(Slicer_ARCHITECTURE standin)
set(Slicer_USE_PYTHONQT ON)

set(Slicer_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(Slicer_USE_FILE ${Slicer_CMAKE_DIR}/UseSlicer.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${Slicer_CMAKE_DIR}/SlicerExtensionGenerateConfig.cmake)
set(Slicer_EXTENSION_CPACK ${Slicer_CMAKE_DIR}/SlicerExtensionCPack.cmake)

# Slicer's own; an extension that packages these has forgotten to name its own.
set(Slicer_LICENSE_FILE ${Slicer_CMAKE_DIR}/SlicerConfig.cmake)
set(Slicer_README_FILE ${Slicer_CMAKE_DIR}/SlicerConfig.cmake)

set(Slicer_LAUNCHER_EXECUTABLE Slicer)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR lib/Slicer-${Slicer_VERSION_MAJOR}.${Slicer_VERSION_MINOR}/qt-scripted-modules)
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR ${Slicer_QTSCRIPTEDMODULES_LIB_DIR})
