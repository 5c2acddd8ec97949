"""The bundled synthetic CT, offered in the Sample Data module."""

from __future__ import annotations

import slicer

from BoneSegWidgets.resources import resourceFile

_FILE = "SampleData/sample_ct.nii.gz"


def registerSampleData() -> None:
    """Called at start-up; nothing is loaded before somebody clicks."""
    try:
        from SampleData import SampleDataLogic
    except ImportError:
        # A Slicer without the Sample Data module.
        return
    SampleDataLogic.registerCustomSampleDataSource(
        category="BoneSeg",
        sampleName="BoneSeg synthetic CT",
        thumbnailFileName=resourceFile("Icons/BoneSeg.png"),
        uris=["local"],
        fileNames=["sample_ct.nii.gz"],
        nodeNames=["Synthetic CT"],
        customDownloader=loadSample,
    )


def loadSample(source=None) -> list:
    """The sample as a volume node."""
    return [slicer.util.loadVolume(resourceFile(_FILE), {"name": "Synthetic CT"})]
