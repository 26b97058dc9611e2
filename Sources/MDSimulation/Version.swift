/// The version of the program; checkpoints and run.json carry it.
public let faultlineVersion = "0.1.0"
