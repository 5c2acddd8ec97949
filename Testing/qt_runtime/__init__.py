"""PySide6 standing in for PythonQt, so that the module's own widget runs where there is no Slicer application.

MRML underneath is real (slicer-core); only Qt, CTK and the qMRML widgets that the module uses are stood in for, with
PythonQt's conventions, and stricter where PythonQt would only print. `runtime.install` puts everything into place,
`runtime.load_module` and `runtime.show_module` do what Slicer's module factory does.
"""
