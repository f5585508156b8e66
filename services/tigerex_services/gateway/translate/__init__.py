"""Between the JSON models and the protobuf contracts: names change here, meaning never."""
