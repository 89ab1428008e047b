"""MedMNIST's sets of images with one label each; ChestMNIST, which has fourteen labels an image, is no task here."""

from __future__ import annotations

from ..card import Published, TaskCard
from .medmnist import MedMNIST


class PathMNIST(MedMNIST):
    """PathMNIST: colon pathology."""

    card = TaskCard(
        name="pathmnist",
        title="PathMNIST: colon pathology, 28 by 28",
        description=(
            "Patches of haematoxylin and eosin stained slides of colorectal cancer; nine tissues. The test "
            "patches are from another clinical centre. Fetched on request."
        ),
        origin="MedMNIST, from NCT-CRC-HE-100K and CRC-VAL-HE-7K",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="colorectal cancer",
    )
    counts = (89996, 10004, 7180)
    channels = 3
    classes = (
        "adipose",
        "background",
        "debris",
        "lymphocytes",
        "mucus",
        "smooth muscle",
        "normal mucosa",
        "cancer-associated stroma",
        "adenocarcinoma epithelium",
    )


class DermaMNIST(MedMNIST):
    """DermaMNIST: skin lesions."""

    card = TaskCard(
        name="dermamnist",
        title="DermaMNIST: skin lesions, 28 by 28",
        description="Dermatoscopic images of pigmented skin lesions; seven diagnoses. Fetched on request.",
        origin="MedMNIST, from HAM10000",
        licence="CC BY-NC 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="skin lesions",
        caveats=(
            (
                "HAM10000 has several images of some lesions, and the file does not say which: lesions may be on both "
                "sides of the split."
            ),
            "Not for commercial use.",
        ),
    )
    counts = (7007, 1003, 2005)
    channels = 3
    classes = (
        "actinic keratosis",
        "basal cell carcinoma",
        "benign keratosis",
        "dermatofibroma",
        "melanoma",
        "melanocytic nevus",
        "vascular lesion",
    )


class OCTMNIST(MedMNIST):
    """OCTMNIST: retinal OCT."""

    card = TaskCard(
        name="octmnist",
        title="OCTMNIST: retinal OCT, 28 by 28",
        description="Optical coherence tomography of the retina; three diseases and normal. Fetched on request.",
        origin="MedMNIST, from Kermany et al. (2018), Cell 172, 1122-1131",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="retinal disease",
    )
    counts = (97477, 10832, 1000)
    channels = 1
    classes = ("choroidal neovascularisation", "diabetic macular oedema", "drusen", "normal")


class PneumoniaMNIST(MedMNIST):
    """PneumoniaMNIST: chest X-ray of children."""

    card = TaskCard(
        name="pneumoniamnist",
        title="PneumoniaMNIST: chest X-ray of children, 28 by 28",
        description="Chest X-rays of children, with pneumonia or normal. Fetched on request.",
        origin="MedMNIST, from Kermany et al. (2018), Cell 172, 1122-1131",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="pneumonia",
        published=(
            Published("ResNet-18, trained on the 4,708 training images", "accuracy", 0.854, "Yang et al. (2023)"),
            Published("ResNet-18, trained on the 4,708 training images", "auroc", 0.944, "Yang et al. (2023)"),
            Published("auto-sklearn", "accuracy", 0.855, "Yang et al. (2023)"),
        ),
        caveats=("The share of normal images is 26 % in training and 38 % in test.",),
    )
    counts = (4708, 524, 624)
    channels = 1
    classes = ("normal", "pneumonia")


class RetinaMNIST(MedMNIST):
    """RetinaMNIST: fundus."""

    card = TaskCard(
        name="retinamnist",
        title="RetinaMNIST: fundus, 28 by 28",
        description=(
            "Fundus photographs with five grades of diabetic retinopathy; the grades are ordered. Fetched on request."
        ),
        origin="MedMNIST, from DeepDRiD challenge",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="diabetic retinopathy",
    )
    counts = (1080, 120, 400)
    channels = 3
    classes = ("0", "1", "2", "3", "4")


class BreastMNIST(MedMNIST):
    """BreastMNIST: breast ultrasound."""

    card = TaskCard(
        name="breastmnist",
        title="BreastMNIST: breast ultrasound, 28 by 28",
        description="Ultrasound of the breast: malignant, against normal or benign. Fetched on request.",
        origin="MedMNIST, from Al-Dhabyani et al. (2020), Data in Brief 28, 104863",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        disease="breast cancer",
    )
    counts = (546, 78, 156)
    channels = 1
    classes = ("malignant", "normal or benign")


class BloodMNIST(MedMNIST):
    """BloodMNIST: blood cells."""

    card = TaskCard(
        name="bloodmnist",
        title="BloodMNIST: blood cells, 28 by 28",
        description="Single normal blood cells under the microscope; eight types. Fetched on request.",
        origin="MedMNIST, from Acevedo et al. (2020), Data in Brief 30, 105474",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
    )
    counts = (11959, 1712, 3421)
    channels = 3
    classes = (
        "basophil",
        "eosinophil",
        "erythroblast",
        "immature granulocyte",
        "lymphocyte",
        "monocyte",
        "neutrophil",
        "platelet",
    )


class TissueMNIST(MedMNIST):
    """TissueMNIST: kidney cortex cells."""

    card = TaskCard(
        name="tissuemnist",
        title="TissueMNIST: kidney cortex cells, 28 by 28",
        description="Cells of the human kidney cortex, brightest of seven slices; eight types. Fetched on request.",
        origin="MedMNIST, from BBBC051, Broad Bioimage Benchmark Collection",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
        caveats=("Three specimens in all: cells of one are on both sides of the split.",),
    )
    counts = (165466, 23640, 47280)
    channels = 1
    classes = (
        "collecting duct, connecting tubule",
        "distal convoluted tubule",
        "glomerular endothelium",
        "interstitial endothelium",
        "leukocytes",
        "podocytes",
        "proximal tubule",
        "thick ascending limb",
    )


class OrganAMNIST(MedMNIST):
    """OrganAMNIST: abdominal CT, axial."""

    card = TaskCard(
        name="organamnist",
        title="OrganAMNIST: abdominal CT, axial, 28 by 28",
        description=(
            "Axial slices through the middle of eleven organs in computed tomography; scans are split, not "
            "slices. Fetched on request."
        ),
        origin="MedMNIST, from LiTS, Liver Tumor Segmentation Benchmark",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
    )
    counts = (34561, 6491, 17778)
    channels = 1
    classes = (
        "bladder",
        "femur, left",
        "femur, right",
        "heart",
        "kidney, left",
        "kidney, right",
        "liver",
        "lung, left",
        "lung, right",
        "pancreas",
        "spleen",
    )


class OrganCMNIST(MedMNIST):
    """OrganCMNIST: abdominal CT, coronal."""

    card = TaskCard(
        name="organcmnist",
        title="OrganCMNIST: abdominal CT, coronal, 28 by 28",
        description=(
            "Coronal slices through the middle of eleven organs in computed tomography; scans are split, not "
            "slices. Fetched on request."
        ),
        origin="MedMNIST, from LiTS, Liver Tumor Segmentation Benchmark",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
    )
    counts = (12975, 2392, 8216)
    channels = 1
    classes = (
        "bladder",
        "femur, left",
        "femur, right",
        "heart",
        "kidney, left",
        "kidney, right",
        "liver",
        "lung, left",
        "lung, right",
        "pancreas",
        "spleen",
    )


class OrganSMNIST(MedMNIST):
    """OrganSMNIST: abdominal CT, sagittal."""

    card = TaskCard(
        name="organsmnist",
        title="OrganSMNIST: abdominal CT, sagittal, 28 by 28",
        description=(
            "Sagittal slices through the middle of eleven organs in computed tomography; scans are split, not "
            "slices. Fetched on request."
        ),
        origin="MedMNIST, from LiTS, Liver Tumor Segmentation Benchmark",
        licence="CC BY 4.0",
        citation="Yang et al. (2023). MedMNIST v2. Scientific Data 10, 41, doi:10.1038/s41597-022-01721-8.",
        url="https://medmnist.com",
    )
    counts = (13932, 2452, 8827)
    channels = 1
    classes = (
        "bladder",
        "femur, left",
        "femur, right",
        "heart",
        "kidney, left",
        "kidney, right",
        "liver",
        "lung, left",
        "lung, right",
        "pancreas",
        "spleen",
    )
