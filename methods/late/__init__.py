"""Late fusion: rules over any base learners, one a modality; bagging and boosting of them; hybrid of early and late."""
