"""MedMNIST's sets of volumes."""

from __future__ import annotations

from ..card import TaskCard
from .medmnist import MedMNIST


class OrganMNIST3D(MedMNIST):
    """OrganMNIST3D: abdominal CT."""

    card = TaskCard(
        name="organmnist3d",
        title="OrganMNIST3D: abdominal CT, 28 by 28 by 28",
        description="Eleven organs in computed tomography, cut out; scans are split, not organs. Fetched on request.",
        origin="MedMNIST, from LiTS, Liver Tumor Segmentation Benchmark",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
    )
    counts = (971, 161, 610)
    channels = 0
    classes = (
        "liver",
        "kidney, right",
        "kidney, left",
        "femur, right",
        "femur, left",
        "bladder",
        "heart",
        "lung, right",
        "lung, left",
        "spleen",
        "pancreas",
    )


class NoduleMNIST3D(MedMNIST):
    """NoduleMNIST3D: lung nodules in CT."""

    card = TaskCard(
        name="nodulemnist3d",
        title="NoduleMNIST3D: lung nodules in CT, 28 by 28 by 28",
        description="Lung nodules in computed tomography: malignancy rated 1 or 2 against 4 or 5. Fetched on request.",
        origin="MedMNIST, from LIDC-IDRI",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="lung cancer",
        caveats=("The label is the rating of radiologists, not of a biopsy.",),
    )
    counts = (1158, 165, 310)
    channels = 0
    classes = ("benign", "malignant")


class AdrenalMNIST3D(MedMNIST):
    """AdrenalMNIST3D: adrenal glands in CT."""

    card = TaskCard(
        name="adrenalmnist3d",
        title="AdrenalMNIST3D: adrenal glands in CT, 28 by 28 by 28",
        description=(
            "Shapes of left and right adrenal glands, normal or with a mass; patients are split, not glands. "
            "Fetched on request."
        ),
        origin="MedMNIST, from Zhongshan Hospital, Fudan University",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="adrenal mass",
        caveats=("Masks, not grey values. The two glands of a patient are two rows, and the file does not say which.",),
    )
    counts = (1188, 98, 298)
    channels = 0
    classes = ("normal", "hyperplasia")


class FractureMNIST3D(MedMNIST):
    """FractureMNIST3D: rib fractures in CT."""

    card = TaskCard(
        name="fracturemnist3d",
        title="FractureMNIST3D: rib fractures in CT, 28 by 28 by 28",
        description="Rib fractures in computed tomography; three types. Fetched on request.",
        origin="MedMNIST, from RibFrac",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="rib fracture",
    )
    counts = (1027, 103, 240)
    channels = 0
    classes = ("buckle", "nondisplaced", "displaced")


class VesselMNIST3D(MedMNIST):
    """VesselMNIST3D: brain vessels in MRA."""

    card = TaskCard(
        name="vesselmnist3d",
        title="VesselMNIST3D: brain vessels in MRA, 28 by 28 by 28",
        description="Shapes of segments of brain vessels, healthy or with an aneurysm. Fetched on request.",
        origin="MedMNIST, from IntrA",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="intracranial aneurysm",
        caveats=("Masks, not grey values. 103 brains in all: segments of one may be on both sides of the split.",),
    )
    counts = (1335, 191, 382)
    channels = 0
    classes = ("vessel", "aneurysm")


class SynapseMNIST3D(MedMNIST):
    """SynapseMNIST3D: synapses in electron microscopy."""

    card = TaskCard(
        name="synapsemnist3d",
        title="SynapseMNIST3D: synapses in electron microscopy, 28 by 28 by 28",
        description=(
            "Synapses of one neuron of a rat in electron microscopy, inhibitory or excitatory. Fetched on request."
        ),
        origin="MedMNIST, from MitoEM",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        caveats=("One neuron of one animal.",),
    )
    counts = (1230, 177, 352)
    channels = 0
    classes = ("inhibitory", "excitatory")
