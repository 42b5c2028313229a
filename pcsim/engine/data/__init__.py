"""Where images come from: installed libraries, IDX folders, .npz files."""
