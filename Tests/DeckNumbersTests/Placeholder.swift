// The suite from decks to numbers comes with its own files.
