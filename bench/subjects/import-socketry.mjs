import "socketry";
