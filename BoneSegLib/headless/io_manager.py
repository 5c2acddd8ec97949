"""What stands in for Slicer's input-output manager, so that `slicer.util.load…` and `save…` work."""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk

_SUFFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("SegmentationFile", (".seg.nrrd", ".seg.nhdr")),
    ("VolumeFile", (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".dcm")),
    ("TransformFile", (".h5", ".tfm", ".mat")),
    ("ModelFile", (".stl", ".ply", ".vtp", ".vtk", ".obj")),
    ("TableFile", (".csv", ".tsv")),
    ("SceneFile", (".mrml", ".mrb")),
    ("ColorTableFile", (".ctbl",)),
    ("TextFile", (".txt", ".json", ".xml")),
)
_NODE_CLASSES = {
    "TableFile": "vtkMRMLTableNode",
    "TextFile": "vtkMRMLTextNode",
    "ColorTableFile": "vtkMRMLColorTableNode",
}
_LABEL_MAP, _AUTO_WINDOW_LEVEL = 1, 8


class IOManager:
    """Method names and arguments are those of Slicer's qSlicerCoreIOManager."""

    def fileType(self, filename: str) -> str:
        name = str(filename).lower()
        return next((kind for kind, suffixes in _SUFFIXES if name.endswith(suffixes)), "NoFile")

    def fileWriterFileType(self, _node, _format: str | None = None) -> str:
        return "NodeFile"

    def fileWriterExtensions(self, node) -> list[str]:
        storage = node.CreateDefaultStorageNode()
        try:
            types = storage.GetSupportedWriteFileTypes()
            return [types.GetValue(index) for index in range(types.GetNumberOfValues())]
        finally:
            # The call hands over a reference which Python's wrapper does not take.
            storage.UnRegister(None)

    def extractKnownExtension(self, filename: str, _node) -> str:
        name = str(filename).lower()
        known = [suffix for _kind, suffixes in _SUFFIXES for suffix in suffixes if name.endswith(suffix)]
        return max(known, key=len, default=Path(name).suffix)

    def loadNodes(self, kind: str, properties: dict, nodes, _messages) -> bool:
        filename = str(properties["fileName"])
        if kind == "SceneFile":
            return _load_scene(filename, clear=bool(properties.get("clear", False)))
        node = _load_node(kind, filename, properties)
        if node is None:
            return False
        nodes.AddItem(node)
        return True

    def saveNodes(self, kind: str, properties: dict, messages) -> bool:
        filename = str(properties["fileName"])
        if kind == "SceneFile":
            return _save_scene(filename)
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        if not node.GetStorageNode():
            node.AddDefaultStorageNode(filename)
        return _write(node, filename, properties, messages)

    def exportNodes(self, node_ids, filenames, properties: dict, harden: bool, messages) -> bool:
        written = True
        for node_id, filename in zip(node_ids, filenames, strict=True):
            node = slicer.mrmlScene.GetNodeByID(node_id)
            scene = slicer.vtkMRMLScene()
            copy = scene.AddNewNodeByClass(node.GetClassName())
            copy.CopyContent(node)
            if harden and node.IsA("vtkMRMLTransformableNode") and node.GetParentTransformNode():
                transform = vtk.vtkGeneralTransform()
                node.GetParentTransformNode().GetTransformToWorld(transform)
                copy.ApplyTransform(transform)
            copy.AddDefaultStorageNode(str(filename))
            written &= _write(copy, str(filename), properties, messages)
        return written


def _load_node(kind: str, filename: str, properties: dict):
    name = properties.get("name") or _stem(filename)
    if kind == "VolumeFile":
        flags = _AUTO_WINDOW_LEVEL | (_LABEL_MAP if properties.get("labelmap") else 0)
        files = vtk.vtkStringArray()
        for other in properties.get("fileNames", []):
            files.InsertNextValue(str(other))
        return slicer.modules.volumes.logic().AddArchetypeVolume(filename, name, flags, files)
    if kind == "SegmentationFile":
        return slicer.modules.segmentations.logic().LoadSegmentationFromFile(filename, True, name)
    if kind == "TransformFile":
        return slicer.modules.transforms.logic().AddTransform(filename, slicer.mrmlScene)
    if kind == "ModelFile":
        return slicer.modules.models.logic().AddModel(filename)
    if kind not in _NODE_CLASSES:
        return None
    node = slicer.mrmlScene.AddNewNodeByClass(_NODE_CLASSES[kind], name)
    node.AddDefaultStorageNode(filename)
    if node.GetStorageNode().ReadData(node):
        return node
    slicer.mrmlScene.RemoveNode(node)
    return None


def _load_scene(filename: str, *, clear: bool) -> bool:
    scene = slicer.mrmlScene
    scene.SetURL(filename)
    if filename.lower().endswith(".mrb"):
        return bool(scene.ReadFromMRB(filename, clear))
    return bool(scene.Connect() if clear else scene.Import())


def _save_scene(filename: str) -> bool:
    scene = slicer.mrmlScene
    # Bundles are only written right with an absolute path.
    path = Path(filename).resolve()
    scene.SetURL(str(path))
    scene.SetRootDirectory(str(path.parent))
    return bool(scene.WriteToMRB(str(path)) if path.suffix.lower() == ".mrb" else scene.Commit(str(path)))


def _write(node, filename: str, properties: dict, messages) -> bool:
    storage = node.GetStorageNode()
    storage.SetFileName(filename)
    storage.SetWriteFileFormat("")
    if "useCompression" in properties:
        storage.SetUseCompression(int(properties["useCompression"]))
    written = bool(storage.WriteData(node))
    messages.AddMessages(storage.GetUserMessages())
    return written


def _stem(filename: str) -> str:
    name = Path(filename).name
    known = [suffix for _kind, suffixes in _SUFFIXES for suffix in suffixes if name.lower().endswith(suffix)]
    longest = max(known, key=len, default=Path(name).suffix)
    return name[: len(name) - len(longest)] if longest else name
